import { inLanes } from '../../domain/lanes';
import { endedEvent, type SessionHead, verdictOf } from '../../domain/sessions/session';
import { isOfOne, type OnSkipped, skipEachRefused, skipRefused } from '../platform/isolate';
import type { SessionEvents } from './sessionEvents';
import type { SessionEndings } from '../../stores/sessions/ends';
import type { ExpiryIndex } from '../../stores/sessions/expiryIndex';
import type { SweepReport } from '../../domain/sessions/workflows';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link SessionSweeper} needs. */
export interface SweeperParts {
  index: ExpiryIndex;
  ends: Pick<SessionEndings, 'endExpired' | 'removeFromIndex'>;
  /** Absent if no subscriber is configured. */
  events?: Pick<SessionEvents, 'report'>;
  /** Shortest lifetime of a session, in milliseconds. A session that is opened now is due no earlier. */
  shortestLifeMs: number;
  onLateness?(ms: number): void;
  onFault(error: unknown): void;
  onSkipped?: OnSkipped;
  clock?: Clock;
}

/** Limits of one sweep: a signal and a duration in milliseconds. */
export interface Sweep {
  signal: AbortSignal;
  forMs: number;
}

/** Number of sessions that are read at once. */
const PAGE = 200;
/** Number of sessions that are processed in parallel. */
const CONCURRENCY = 16;
/** A sweep waits for sessions that are due within this time. For later sessions, a timer of the workflow is cheaper. */
const STAY_MS = 60_000;
/** Minimum pause between two passes, so that one pass ends sessions that are due shortly after one another. */
const GATHER_MS = 500;
/**
 * A process that ended a session and is still alive sends the event within this time. After that the sweeper sends it.
 */
const GRACE_MS = 10_000;

/** Ends sessions when they expire. Sleeps until the next session is due, and does not poll. */
export class SessionSweeper {
  private readonly clock: Clock;

  constructor(private readonly parts: SweeperParts) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Processes the due sessions of a bucket until none is due soon, the time is over, or the signal aborts. Two sweeps
   * of one bucket can run at once, because every write is conditional.
   * @returns counts of the sweep, and `sleepMs` until the next session is due
   */
  async sweep(bucket: string, { signal, forMs }: Sweep): Promise<SweepReport> {
    const until = this.clock.now() + forMs;
    const isOver = () => signal.aborted || this.clock.now() > until;
    const bucketSweep = new BucketSweep(this.parts, this.clock);
    for (;;) {
      await bucketSweep.run(bucket, isOver);
      const sleepMs = isOver() ? 0 : await bucketSweep.untilNext(bucket);
      if (isOver() || sleepMs > STAY_MS || this.clock.now() + sleepMs > until)
        return { ...bucketSweep.report, sleepMs };
      // When the signal aborts the pause, the loop ends.
      await this.clock.sleep(Math.max(sleepMs, GATHER_MS), signal).catch(() => undefined);
    }
  }
}

/** The passes over one bucket in one activity. */
class BucketSweep {
  readonly report = { idle: 0, absolute: 0, rearmed: 0, reported: 0, latestMs: 0 };
  /**
   * Sessions whose check was moved to an instant soon (epoch ms). The index is eventually consistent and may not list
   * them in time.
   */
  private readonly soon = new Map<string, number>();
  /** Epoch ms at which events that are not sent yet are checked again. */
  private again = Number.POSITIVE_INFINITY;
  /** Sessions that this activity skips, because a step for them was refused permanently. */
  private readonly refused = new Set<string>();
  /** Epoch ms of the last pass. */
  private scannedAt = 0;

  constructor(
    private readonly parts: SweeperParts,
    private readonly clock: Clock,
  ) {}

  /** Processes the sessions of a bucket that are due now. */
  async run(bucket: string, isOver: () => boolean): Promise<void> {
    const now = this.clock.now();
    this.scannedAt = now;
    this.again = Number.POSITIVE_INFINITY;
    const remembered = [...this.soon].filter(([, at]) => at <= now).map(([key]) => key);
    remembered.forEach((key) => this.soon.delete(key));
    for (let from = 0; from < remembered.length; from += PAGE) await this.page(remembered.slice(from, from + PAGE));
    for await (const keys of this.parts.index.due(bucket, now, PAGE)) {
      await this.page(keys);
      if (isOver()) return;
    }
  }

  /**
   * Returns the milliseconds until the next session is due, at most `shortestLifeMs`: a session that is opened from now
   * on is due no earlier.
   */
  async untilNext(bucket: string): Promise<number> {
    // Query from the last pass, not from now: sessions that became due during the pass are next.
    const next = (await this.parts.index.next(bucket, this.scannedAt)) ?? Number.POSITIVE_INFINITY;
    const now = this.clock.now();
    return Math.max(0, Math.min(next, this.again, ...this.soon.values(), now + this.parts.shortestLifeMs) - now);
  }

  private async page(keys: readonly string[]): Promise<void> {
    const heads = await this.heads(keys.filter((key) => !this.refused.has(key)));
    const owed = await inLanes(heads, CONCURRENCY, async (head) =>
      (await this.takeStep(head).catch((error: unknown) => this.skip(head, error))) ? [head] : [],
    );
    await this.sendEvents(owed.flat());
  }

  /** Reads sessions. Skips a session whose read is refused permanently. */
  private async heads(keys: readonly string[]): Promise<SessionHead[]> {
    const found = new Map<string, SessionHead>();
    await skipRefused(
      keys,
      async (some) => {
        for (const head of await this.parts.index.heads(some)) found.set(head.key, head);
      },
      (key, error) => void this.skip({ key }, error),
    );
    return [...found.values()];
  }

  /**
   * Reports a session whose step is refused permanently, and skips it for the rest of this activity. The other sessions
   * continue.
   * @throws every other failure
   */
  private skip({ key }: Pick<SessionHead, 'key'>, error: unknown): false {
    if (!isOfOne(error)) throw error;
    this.refused.add(key);
    this.parts.onSkipped?.(`the session ${key}`, error);
    return false;
  }

  /**
   * Takes the step that is due for a session.
   * @returns whether the sweeper must send the session's event
   */
  private async takeStep(head: SessionHead): Promise<boolean> {
    const now = this.clock.now();
    const verdict = verdictOf(head, now, GRACE_MS);
    switch (verdict.do) {
      case 'end': {
        if (!(await this.parts.ends.endExpired(head))) return false;
        this.report[verdict.reason]++;
        const late = now - head.expiresAt;
        this.report.latestMs = Math.max(this.report.latestMs, late);
        this.parts.onLateness?.(late);
        return false; // `endExpired` also has this process send the event.
      }
      case 'rearm':
        await this.parts.index.rearm(head, verdict.checkAt);
        this.report.rearmed++;
        if (verdict.checkAt < now + STAY_MS) this.soon.set(head.key, verdict.checkAt);
        return false;
      case 'report':
        return true;
      case 'nothing':
        if (head.ended && head.checkAt !== undefined) this.again = Math.min(this.again, head.ended.at + GRACE_MS);
        return false;
    }
  }

  /**
   * Sends the events of ended sessions. If the subscriber is unavailable, the events stay in the index and ending
   * sessions continues.
   */
  private async sendEvents(owed: readonly SessionHead[]): Promise<void> {
    const ended = owed.flatMap((head) => {
      const event = head.ended && endedEvent(head, head.ended.reason, head.ended.at);
      return event ? [{ event, key: head.key }] : [];
    });
    if (ended.length === 0) return;
    try {
      // No subscriber is configured now, but one was when these sessions ended. Drop their events.
      const skipped = this.parts.events
        ? await this.parts.events.report(ended)
        : await skipEachRefused(
            ended.map(({ key }) => key),
            CONCURRENCY,
            (key) => this.parts.ends.removeFromIndex(key),
            (key, error) => void this.skip({ key }, error),
          );
      for (const key of skipped) this.refused.add(key);
      this.report.reported += ended.length - skipped.size;
    } catch (error) {
      this.parts.onFault(error);
      this.again = Math.min(this.again, this.clock.now() + GRACE_MS);
    }
  }
}
