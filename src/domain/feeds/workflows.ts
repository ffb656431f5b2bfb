import type { Direction } from './author';
import { type PostRef, postIdOf } from './post';
import type { FanOutPlan, Slice } from './ranges';
import type { WorkflowStart } from '../platform/outbox';

/** The task queue of feeds. */
export const FEEDS_QUEUE = 'longwatch-feeds';
/** Task queue of large fan-outs and mode changes. Its throughput is limited; other work does not wait for them. */
export const FEEDS_BULK_QUEUE = 'longwatch-feeds-bulk';

/** The workflow type that writes a post into the followers' feeds. */
export const FAN_OUT_TYPE = 'fanOut';
/** The workflow type that removes a deleted post from feeds. */
export const RETRACT_TYPE = 'retract';
/** The workflow type that updates a feed after a follow or an unfollow. */
export const RELATION_TYPE = 'relation';
/** The workflow type that changes an author's mode of delivery. */
export const TURN_TYPE = 'turn';

/** The progress through an author's followers. */
export interface Progress {
  /** The slices that remain. */
  open: Slice[];
  /** Number of followers visited so far. */
  rows: number;
  /**
   * Number of those that were skipped because a step was refused permanently; absent when there is none.
   */
  skipped?: number;
}

/** The argument of `fanOut` and `retract`. */
export interface FanOutInput {
  post: PostRef;
  plan: FanOutPlan;
  /** Number of followers when the start was recorded. */
  followers: number;
  /** The progress of the previous run, after a continue-as-new. */
  carried?: Progress;
}

/** The argument of `relation`: a reader has followed or unfollowed an author. */
export interface RelationChange {
  readerId: string;
  authorId: string;
  /** The reader's epoch after the change. */
  epoch: number;
}

/** A change of an author's mode, identified by its mode version. */
export interface ModeChange {
  authorId: string;
  modeVersion: number;
  direction: Direction;
}

/** The argument of `turn`. */
export interface ModeChangeInput {
  turn: ModeChange;
  plan: FanOutPlan;
  followers: number;
  /** The progress of the previous run, after a continue-as-new. */
  carried?: Progress;
}

/** Returns the workflow id of a post's fan-out. REJECT_DUPLICATE allows one start, as for the other ids here. */
export const fanOutId = (postId: string): string => `fan-out/${postId}`;
/** Returns the workflow id of a post's retraction. */
export const retractId = (postId: string): string => `retract/${postId}`;
/** Returns the workflow id of a change. Each epoch of a reader belongs to one change, so the id is unique. */
export const relationId = ({ readerId, authorId, epoch }: RelationChange): string =>
  `relation/${readerId}/${authorId}/${epoch}`;
/** Returns the workflow id of a mode change. */
export const modeChangeId = ({ authorId, modeVersion }: ModeChange): string => `turn/${authorId}/${modeVersion}`;

/** Returns the mode change of a workflow id made by {@link modeChangeId}; undefined for other workflow ids. */
export function modeChangeOfWorkflow(workflowId: string): Pick<ModeChange, 'authorId' | 'modeVersion'> | undefined {
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

/** Returns the start of a post's fan-out. */
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

/** Returns the start of a post's retraction. */
export function retractStart(input: FanOutInput): WorkflowStart {
  const { key, authorId } = input.post;
  return owed(
    RETRACT_TYPE,
    retractId(postIdOf(key)),
    authorId,
    input,
    `Post ${postIdOf(key)} of **${authorId}** is removed from ${input.followers} feeds`,
  );
}

/** Returns the start that updates a feed after a follow or an unfollow. */
export function relationStart(change: RelationChange, what: 'follows' | 'leaves'): WorkflowStart {
  const { readerId, authorId } = change;
  return owed(RELATION_TYPE, relationId(change), readerId, change, `**${readerId}** ${what} **${authorId}**`);
}

/** Returns the start of a mode change. */
export function modeChangeStart(input: ModeChangeInput): WorkflowStart {
  const { turn, followers } = input;
  const summary =
    turn.direction === 'rising'
      ? `Posts of **${turn.authorId}** change to fan-out on read`
      : `Posts of **${turn.authorId}** change to fan-out on write`;
  return owed(TURN_TYPE, modeChangeId(turn), turn.authorId, input, `${summary} · ${followers} followers`);
}

/** The result of one attempt at a slice. */
export interface SliceReport {
  /** Number of visited followers, including skipped ones. */
  rows: number;
  /** Number of followers that were skipped because a step was refused permanently; absent when there is none. */
  skipped?: number;
  /** The key after which the next attempt continues; absent at the end of the range. */
  after?: string;
}

/**
 * The result of a change of relations. `filled`: the feed has the author's latest posts. `cleaned`: the author's posts
 * were removed. `read-at-read-time`: the author uses fan-out on read. `superseded`: a later change handles it.
 */
export type RelationOutcome = 'filled' | 'cleaned' | 'read-at-read-time' | 'superseded';
