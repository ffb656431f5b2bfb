import { setTimeout as sleep } from 'node:timers/promises';
import { inLanes } from '../../domain/lanes';
import { endedEvent, type SessionHead, verdictOf } from '../../domain/sessions/session';
import { isOfOne, type OnSkipped, skipEachRefused, skipRefused } from '../platform/isolate';
import type { SessionEvents } from './sessionEvents';
import type { SessionEnds } from '../../stores/sessions/ends';
import type { ExpiryIndex } from '../../stores/sessions/expiryIndex';
import type { SweepReport } from '../../domain/sessions/workflows';

export interface SweeperParts {
  index: ExpiryIndex;
  ends: Pick<SessionEnds, 'endExpired' | 'settle'>;
  /** Absent: nobody is told. */
  events?: Pick<SessionEvents, 'report'>;
  /** No session lives for less, so none that is opened now is due before that. */
  shortestLifeMs: number;
  onLateness?(ms: number): void;
  onFault(error: unknown): void;
  onSkipped?: OnSkipped;
  now?(): number;
}

export interface Sweep {
  signal: AbortSignal;
  forMs: number;
}

const PAGE = 200;
const CONCURRENCY = 16;
/** What comes due within this time is waited for; for what comes later a timer is cheaper. */
const STAY_MS = 60_000;
/** Sessions that come due one after another are ended together. */
const GATHER_MS = 500;
/** Who ended a session reports it within this time, or has died. */
const GRACE_MS = 10_000;

/** Ends sessions when they are due. Sleeps until then; never looks to see whether there is something. */
export class SessionSweeper {
  private readonly now: () => number;

  constructor(private readonly parts: SweeperParts) {
    this.now = parts.now ?? Date.now;
  }

  /**
   * Until nothing is due soon, the time is over, or the signal. Two at once do each other no harm: every step is
   * conditional.
   */
  async sweep(bucket: string, { signal, forMs }: Sweep): Promise<SweepReport> {
    const until = this.now() + forMs;
    const isOver = () => signal.aborted || this.now() > until;
    const pass = new Pass(this.parts, this.now);
    for (;;) {
      await pass.run(bucket, isOver);
      const sleepMs = isOver() ? 0 : await pass.untilNext(bucket);
      if (isOver() || sleepMs > STAY_MS || this.now() + sleepMs > until) return { ...pass.report, sleepMs };
      await sleep(Math.max(sleepMs, GATHER_MS), undefined, { signal }).catch(() => undefined); // Woken: the loop ends.
    }
  }
}

/** The looks of one activity at its bucket. */
class Pass {
  readonly report = { idle: 0, absolute: 0, rearmed: 0, reported: 0, latestMs: 0 };
  /** Re-armed for soon: the index may not show them in time. */
  private readonly soon = new Map<string, number>();
  private again = Number.POSITIVE_INFINITY;
  /** Sessions whose end was refused for good. */
  private readonly refused = new Set<string>();
  private lookedAt = 0;

  constructor(
    private readonly parts: SweeperParts,
    private readonly now: () => number,
  ) {}

  async run(bucket: string, isOver: () => boolean): Promise<void> {
    const now = this.now();
    this.lookedAt = now;
    this.again = Number.POSITIVE_INFINITY;
    const remembered = [...this.soon].filter(([, at]) => at <= now).map(([key]) => key);
    remembered.forEach((key) => this.soon.delete(key));
    for (let from = 0; from < remembered.length; from += PAGE) await this.page(remembered.slice(from, from + PAGE));
    for await (const keys of this.parts.index.due(bucket, now, PAGE)) {
      await this.page(keys);
      if (isOver()) return;
    }
  }

  /** At most the shortest life: whatever is opened from now on is due later than that. */
  async untilNext(bucket: string): Promise<number> {
    // After the last look, not after now: what fell due while that was worked on is next.
    const next = (await this.parts.index.next(bucket, this.lookedAt)) ?? Number.POSITIVE_INFINITY;
    const now = this.now();
    return Math.max(0, Math.min(next, this.again, ...this.soon.values(), now + this.parts.shortestLifeMs) - now);
  }

  private async page(keys: readonly string[]): Promise<void> {
    const heads = await this.heads(keys.filter((key) => !this.refused.has(key)));
    const owed = await inLanes(heads, CONCURRENCY, async (head) =>
      (await this.settle(head).catch((error: unknown) => this.skip(head, error))) ? [head] : [],
    );
    await this.tell(owed.flat());
  }

  /** Reads sessions. One that cannot be read, ever, is skipped. */
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
   * One session whose end is refused for good holds up no other: it is reported, and not met again by this activity.
   */
  private skip({ key }: Pick<SessionHead, 'key'>, error: unknown): false {
    if (!isOfOne(error)) throw error;
    this.refused.add(key);
    this.parts.onSkipped?.(`the session ${key}`, error);
    return false;
  }

  /** @returns whether its event is owed by us. */
  private async settle(head: SessionHead): Promise<boolean> {
    const now = this.now();
    const verdict = verdictOf(head, now, GRACE_MS);
    switch (verdict.do) {
      case 'end': {
        if (!(await this.parts.ends.endExpired(head))) return false;
        this.report[verdict.reason]++;
        const late = now - head.expiresAt;
        this.report.latestMs = Math.max(this.report.latestMs, late);
        this.parts.onLateness?.(late);
        return false; // Whoever ends reports: here that is this process.
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

  /** A subscriber that is away holds up no end: its events stay owed. */
  private async tell(owed: readonly SessionHead[]): Promise<void> {
    const ended = owed.flatMap((head) => {
      const event = head.ended && endedEvent(head, head.ended.reason, head.ended.at);
      return event ? [{ event, key: head.key }] : [];
    });
    if (ended.length === 0) return;
    try {
      // Without a reporter, there was a subscriber when they ended.
      const skipped = this.parts.events
        ? await this.parts.events.report(ended)
        : await skipEachRefused(
            ended.map(({ key }) => key),
            CONCURRENCY,
            (key) => this.parts.ends.settle(key),
            (key, error) => void this.skip({ key }, error),
          );
      for (const key of skipped) this.refused.add(key);
      this.report.reported += ended.length - skipped.size;
    } catch (error) {
      this.parts.onFault(error);
      this.again = Math.min(this.again, this.now() + GRACE_MS);
    }
  }
}
