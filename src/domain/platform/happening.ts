/** `notable`: worth a person's look. `problem`: something that ought not to be. */
export const tones = ['routine', 'notable', 'problem'] as const;
export type Tone = (typeof tones)[number];

/** Something that has happened, for people who watch. */
export interface Happening {
  /** The capability's name, or `platform`. */
  area: string;
  tone: Tone;
  /** A sentence; with a count, what there was so many times, in the singular: `payment approved`. */
  text: string;
  /** How many at once: what happens all the time is told by the second. */
  count?: number;
  /** When, epoch ms; default now. */
  at?: number;
  /** The workflow that it is about, where there is one. */
  workflowId?: string;
}
