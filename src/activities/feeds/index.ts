import { Context } from '@temporalio/activity';
import { defined } from '../../domain/defined';
import type { Slice } from '../../domain/feeds/ranges';
import type { FeedUserStore } from '../../stores/feeds/users';
import { asFailure } from '../failures';
import type { SliceAttempt, FanOut } from '../../operations/feeds/fanOut';
import type { RateLimiter } from '../../operations/feeds/rateLimiter';
import type { FeedSync } from '../../operations/feeds/feedSync';
import type { FeedsActivities } from './types';
import type { SliceReport } from '../../domain/feeds/workflows';
import { monotonicClock } from '../../timing/clock';

/** The operations that the activities of feeds use. */
export interface FeedsActivityParts {
  users: FeedUserStore;
  fanOut: FanOut;
  feedSync: FeedSync;
  /** Limits the rate on the queue of large fan-outs. */
  rateLimiter?: RateLimiter;
}

/** Activities send no heartbeat before this time: one that reaches the server is a billable action. */
const QUIET_MS = 5_000;
/** Interval of heartbeats while an activity waits for the rate limiter; well below the heartbeat timeout. */
const WAITING_BEAT_MS = 10_000;

/** Returns the activities of feeds. */
export function feedsActivities({ users, fanOut, feedSync, rateLimiter }: FeedsActivityParts): FeedsActivities {
  const onSlice = (slice: Slice, work: (slice: Slice, attempt: SliceAttempt) => Promise<SliceReport>) =>
    asFailure(() => attempt(slice, rateLimiter, work));
  return {
    deliver: (post, slice) => onSlice(slice, (from, how) => fanOut.deliver(post, from, how)),
    retract: (post, slice) => onSlice(slice, (from, how) => fanOut.retract(post, from, how)),
    turnFollowers: (turn, slice) => onSlice(slice, (from, how) => fanOut.turn(turn, from, how)),
    completeTurn: ({ authorId, modeVersion, direction }) =>
      asFailure(() => users.completeTurn(authorId, modeVersion, direction)),
    settleRelation: (change) => asFailure(() => feedSync.sync(change)),
  };
}

/** Continues from the last heartbeat of the previous attempt, and heartbeats its own progress. */
async function attempt(
  slice: Slice,
  rateLimiter: RateLimiter | undefined,
  work: (slice: Slice, attempt: SliceAttempt) => Promise<SliceReport>,
): Promise<SliceReport> {
  const context = Context.current();
  const { cancellationSignal: signal } = context;
  const started = monotonicClock.now();
  const before = context.info.heartbeatDetails as SliceReport | undefined;
  const withBefore = (report: SliceReport): SliceReport => {
    const skipped = (report.skipped ?? 0) + (before?.skipped ?? 0);
    return { ...report, rows: report.rows + (before?.rows ?? 0), ...(skipped > 0 && { skipped }) };
  };
  const from = before?.after === undefined ? slice : { ...slice, after: before.after };
  let last = withBefore({ rows: 0, ...defined({ after: from.after }) });
  const report = await work(from, {
    signal,
    progress(sofar) {
      last = withBefore(sofar);
      if (monotonicClock.now() - started > QUIET_MS) context.heartbeat(last);
    },
    ...(rateLimiter && {
      async take(authorId: string, rows: number) {
        const beat = setInterval(() => context.heartbeat(last), WAITING_BEAT_MS);
        await rateLimiter.take(authorId, rows, signal).finally(() => clearInterval(beat));
      },
    }),
  });
  return withBefore(report);
}
