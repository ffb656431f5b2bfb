import type { Direction } from './author';
import { type PostRef, postIdOf } from './post';
import type { FanOutPlan, Slice } from './ranges';
import type { WorkflowStart } from '../platform/outbox';

export const FEEDS_QUEUE = 'longwatch-feeds';
/** Large fan-outs and turns, of which the throughput is governed: what waits here holds up nobody else. */
export const FEEDS_BULK_QUEUE = 'longwatch-feeds-bulk';

export const FAN_OUT_TYPE = 'fanOut';
export const RETRACT_TYPE = 'retract';
export const RELATION_TYPE = 'relation';
export const TURN_TYPE = 'turn';

/** Where a going through all followers stands; absent parts: at the beginning. */
export interface Progress {
  /** What is left to do. */
  open: Slice[];
  /** Written or looked after so far. */
  rows: number;
  /**
   * Followers among them that were skipped, because a step for them was refused for good; absent where there is none.
   */
  skipped?: number;
}

export interface FanOutInput {
  post: PostRef;
  plan: FanOutPlan;
  /** Followers when it was owed. */
  followers: number;
  carried?: Progress;
}

/** Somebody began or ceased to follow somebody. */
export interface RelationChange {
  readerId: string;
  authorId: string;
  /** The reader's epoch since. */
  epoch: number;
}

/** An author goes from one mode to the other. */
export interface Turn {
  authorId: string;
  modeVersion: number;
  direction: Direction;
}

export interface TurnInput {
  turn: Turn;
  plan: FanOutPlan;
  followers: number;
  carried?: Progress;
}

/** One a post, started at most once: REJECT_DUPLICATE, as all of these. */
export const fanOutId = (postId: string): string => `fan-out/${postId}`;
export const retractId = (postId: string): string => `retract/${postId}`;
/** One a change: a reader's epochs are given once. */
export const relationId = ({ readerId, authorId, epoch }: RelationChange): string =>
  `relation/${readerId}/${authorId}/${epoch}`;
export const turnId = ({ authorId, modeVersion }: Turn): string => `turn/${authorId}/${modeVersion}`;

/** The turn of a workflow id that {@link turnId} made. */
export function turnOf(workflowId: string): Pick<Turn, 'authorId' | 'modeVersion'> | undefined {
  const [, authorId, modeVersion] = /^turn\/(.+)\/(\d+)$/.exec(workflowId) ?? [];
  return authorId === undefined ? undefined : { authorId, modeVersion: Number(modeVersion) };
}

const owed = (
  workflowType: string,
  workflowId: string,
  subject: string,
  input: unknown,
  summary: string,
): WorkflowStart => ({
  workflowId,
  workflowType,
  taskQueue: FEEDS_QUEUE,
  args: [input],
  summary,
  searchAttributes: { LongwatchSubject: subject },
});

export function fanOutStart(input: FanOutInput): WorkflowStart {
  const { key, authorId } = input.post;
  return owed(
    FAN_OUT_TYPE,
    fanOutId(postIdOf(key)),
    authorId,
    input,
    `Post ${postIdOf(key)} of **${authorId}** to ${input.followers} followers`,
  );
}

export function retractStart(input: FanOutInput): WorkflowStart {
  const { key, authorId } = input.post;
  return owed(
    RETRACT_TYPE,
    retractId(postIdOf(key)),
    authorId,
    input,
    `Post ${postIdOf(key)} of **${authorId}** goes from ${input.followers} feeds`,
  );
}

export function relationStart(change: RelationChange, what: 'follows' | 'leaves'): WorkflowStart {
  const { readerId, authorId } = change;
  return owed(RELATION_TYPE, relationId(change), readerId, change, `**${readerId}** ${what} **${authorId}**`);
}

export function turnStart(input: TurnInput): WorkflowStart {
  const { turn, followers } = input;
  const summary =
    turn.direction === 'rising'
      ? `Posts of **${turn.authorId}** will be read, not pushed`
      : `Posts of **${turn.authorId}** are pushed again`;
  return owed(TURN_TYPE, turnId(turn), turn.authorId, input, `${summary} · ${followers} followers`);
}

/** What one attempt at a slice did. */
export interface SliceReport {
  /** Followers that were gone through, those skipped among them. */
  rows: number;
  /** Followers that were skipped, because a step for them was refused for good; absent where there is none. */
  skipped?: number;
  /** Where the next attempt goes on; absent at the end of the range. */
  after?: string;
}

/** What became of a change of relations. */
export type Settled = 'filled' | 'cleaned' | 'read-at-read-time' | 'superseded';
