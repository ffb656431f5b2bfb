import { Context } from '@temporalio/activity';
import type { Slice } from '../../domain/feeds/ranges';
import type { FeedUserStore } from '../../stores/feeds/users';
import { asFailure } from '../failures';
import type { Attempt, FanOut } from './fanOut';
import type { Governor } from './governor';
import type { Settling } from './settling';
import type { FeedsActivities, SliceReport } from './types';

export interface FeedsActivityParts {
  users: FeedUserStore;
  fanOut: FanOut;
  settling: Settling;
  /** On the queue of large ones. */
  governor?: Governor;
}

/** A heartbeat that reaches the server is a billable action: who is done soon sends none. */
const QUIET_MS = 5_000;

export function feedsActivities({ users, fanOut, settling, governor }: FeedsActivityParts): FeedsActivities {
  const over = (slice: Slice, work: (slice: Slice, attempt: Attempt) => Promise<SliceReport>) => asFailure(() => attempt(slice, governor, work));
  return {
    deliver: (post, slice) => over(slice, (from, how) => fanOut.deliver(post, from, how)),
    retract: (post, slice) => over(slice, (from, how) => fanOut.retract(post, from, how)),
    turnFollowers: (turn, slice) => over(slice, (from, how) => fanOut.turn(turn, from, how)),
    completeTurn: ({ authorId, modeVersion, direction }) => asFailure(() => users.completeTurn(authorId, modeVersion, direction)),
    settleRelation: (change) => asFailure(() => settling.settle(change)),
  };
}

/** Goes on where an attempt before has left word, and leaves word itself. */
function attempt(slice: Slice, governor: Governor | undefined, work: (slice: Slice, attempt: Attempt) => Promise<SliceReport>): Promise<SliceReport> {
  const context = Context.current();
  const started = Date.now();
  const before = context.info.heartbeatDetails as SliceReport | undefined;
  const withBefore = (report: SliceReport): SliceReport => ({ ...report, rows: report.rows + (before?.rows ?? 0) });
  const from = before?.after === undefined ? slice : { ...slice, after: before.after };
  return work(from, {
    signal: context.cancellationSignal,
    ...(governor && { governor }),
    progress: (report) => {
      if (before || Date.now() - started > QUIET_MS) context.heartbeat(withBefore(report));
    },
  }).then(withBefore);
}
