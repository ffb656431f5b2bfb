/** The levels of happenings. `notable`: operators may want to know it. `problem`: something that should not happen. */
export const tones = ['routine', 'notable', 'problem'] as const;
/** One of {@link tones}. */
export type Tone = (typeof tones)[number];

/** An event that the overview page shows. */
export interface Happening {
  /** The capability's name, or `platform`. */
  area: string;
  tone: Tone;
  /** A sentence; with a count, the name of one event in the singular: `payment approved`. */
  text: string;
  /** Number of events. Frequent events are counted per second in place of one happening each. */
  count?: number;
  /** Epoch ms; default now. */
  at?: number;
  /** The workflow that the event belongs to, if any. */
  workflowId?: string;
}
