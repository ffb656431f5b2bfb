import { randomUUID } from 'node:crypto';
import { defined } from '../../domain/defined';
import { decide } from '../../domain/fraud/decide';
import type { Outcome } from '../../domain/fraud/decision';
import { featureVector } from '../../domain/fraud/features';
import type { CompiledRuleSet } from '../../domain/fraud/rules';
import type { ScoringEndpoint } from '../../gateways/fraud/sagemaker';
import type { Difference, ShadowCounts, ChallengerDifferenceStore } from '../../stores/fraud/challengerDifferences';
import type { UnwrittenDecision } from './decisionMaker';
import { type Clock, systemClock } from '../../timing/clock';
import { DelayedRun } from '../../timing/delayedRun';

/** A challenger that is loaded and can decide. */
export interface PreparedChallenger {
  version: number;
  /** Absent: it uses the live model's scores. */
  endpoint?: Pick<ScoringEndpoint, 'score'>;
  /** Absent: it uses the live rules. */
  rules?: CompiledRuleSet;
}

/** The parts that {@link ChallengerRun} needs. */
export interface ChallengerRunParts {
  challenger: { peek(): PreparedChallenger | undefined };
  rules: { current(): CompiledRuleSet };
  store: ChallengerDifferenceStore;
  onCompared?(live: Outcome, shadow: Outcome): void;
  onMissed?(why: 'failed' | 'dropped', count: number): void;
  onFault(error: unknown): void;
  clock?: Clock;
}

type Seen = Pick<UnwrittenDecision, 'input' | 'record'>;

/** Maximum number of rows in one scoring call, and how long a decision waits for others to fill the call. */
const BATCH = 300;
const EVERY_MS = 250;
/**
 * Maximum number of waiting decisions. Beyond that, new ones are dropped: the comparison must not slow down live
 * traffic.
 */
const WAITING = 5_000;
const DEADLINE_MS = 5_000;
/** How often a process writes its counts. */
const COUNT_EVERY_MS = 2_000;

/**
 * Lets a challenger decide the same transactions as the live path, without any effect. It works in batches, after the
 * live answer, while there is capacity. Decisions without the model are ignored, because there is no score to compare
 * with.
 */
export class ChallengerRun {
  private readonly processId = randomUUID();
  private waiting: Seen[] = [];
  private flushing: Promise<void> = Promise.resolve();
  private counted: { version: number; pairs: Record<string, number>; failed: number; dropped: number } | undefined;
  private writtenAt = 0;
  private dirty = false;
  private readonly clock: Clock;
  private readonly delayed: DelayedRun;

  constructor(private readonly parts: ChallengerRunParts) {
    this.clock = parts.clock ?? systemClock;
    this.delayed = new DelayedRun(() => void this.flush(), parts.clock);
  }

  /** Adds a decision to compare. Never throws and never waits. */
  observe(seen: Seen): void {
    if (!this.parts.challenger.peek() || seen.record.decision.mode === 'degraded') return;
    if (this.waiting.length >= WAITING) {
      this.missed('dropped', 1);
      return;
    }
    this.waiting.push(seen);
    this.delayed.request(EVERY_MS);
  }

  /**
   * Compares the waiting decisions and writes the counts. Reports failures; never throws.
   * @param finally_ whether to write the counts at once, because the process stops
   */
  flush(finally_ = false): Promise<void> {
    this.delayed.cancel();
    this.flushing = this.flushing.then(() => this.compareAll(finally_)).catch(this.parts.onFault);
    return this.flushing;
  }

  private async compareAll(finally_: boolean): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, BATCH);
      const challenger = this.parts.challenger.peek();
      if (challenger) await this.compare(challenger, batch);
    }
    await this.writeCounts(finally_);
  }

  private async compare({ version, endpoint, rules }: PreparedChallenger, batch: readonly Seen[]): Promise<void> {
    this.countFor(version);
    let scores: { score: number }[] | undefined;
    if (endpoint)
      try {
        ({ scores } = await endpoint.score(
          batch.map(({ input }) => featureVector(input.features)),
          { deadlineMs: DEADLINE_MS },
        ));
      } catch (error) {
        this.parts.onFault(error);
        this.missed('failed', batch.length);
        return;
      }
    const differences: Difference[] = [];
    for (const [i, { input, record }] of batch.entries()) {
      const at = Date.parse(record.decision.decidedAt);
      const shadowScore = scores ? (scores[i]?.score ?? null) : record.decision.score;
      const { outcome: shadow } = decide({
        transaction: input.transaction,
        features: input.features,
        score: shadowScore,
        ...defined({ heldUntil: input.heldUntil }),
        now: at,
        rules: rules ?? this.parts.rules.current(),
      });
      const { outcome: live, score: liveScore } = record.decision;
      this.parts.onCompared?.(live, shadow);
      const counted = this.countFor(version);
      const pair = `${live}>${shadow}`;
      counted.pairs[pair] = (counted.pairs[pair] ?? 0) + 1;
      this.dirty = true;
      if (shadow !== live)
        differences.push({ transactionId: input.transaction.transactionId, at, live, shadow, liveScore, shadowScore });
    }
    await this.parts.store.keep(version, differences);
  }

  private countFor(version: number) {
    if (this.counted?.version !== version) this.counted = { version, pairs: {}, failed: 0, dropped: 0 };
    return this.counted;
  }

  private missed(why: 'failed' | 'dropped', count: number): void {
    const version = this.parts.challenger.peek()?.version;
    if (version === undefined) return;
    this.countFor(version)[why] += count;
    this.dirty = true;
    this.parts.onMissed?.(why, count);
  }

  private async writeCounts(finally_: boolean): Promise<void> {
    if (!this.dirty || !this.counted) return;
    const wait = this.writtenAt + COUNT_EVERY_MS - this.clock.now();
    if (wait > 0 && !finally_) {
      this.delayed.request(wait);
      return;
    }
    const { version, ...counts } = this.counted;
    this.dirty = false;
    this.writtenAt = this.clock.now();
    await this.parts.store.count(version, this.processId, counts satisfies ShadowCounts);
  }
}
