import { randomUUID } from 'node:crypto';
import { defined } from '../../domain/defined';
import { decide } from '../../domain/fraud/decide';
import type { Outcome } from '../../domain/fraud/decision';
import { featureVector } from '../../domain/fraud/features';
import type { CompiledRuleSet } from '../../domain/fraud/rules';
import type { ScoringEndpoint } from '../../gateways/fraud/sagemaker';
import type { Difference, ShadowCounts, ShadowStore } from '../../stores/fraud/shadow';
import type { Draft } from './drafts';

/** A challenger ready to decide. */
export interface PreparedChallenger {
  version: number;
  /** Absent: the live model's scores. */
  endpoint?: Pick<ScoringEndpoint, 'score'>;
  /** Absent: the live rules. */
  rules?: CompiledRuleSet;
}

export interface ShadowParts {
  challenger: { peek(): PreparedChallenger | undefined };
  rules: { current(): CompiledRuleSet };
  store: ShadowStore;
  onCompared?(live: Outcome, shadow: Outcome): void;
  onMissed?(why: 'failed' | 'dropped', count: number): void;
  onFault(error: unknown): void;
  now?(): number;
}

type Seen = Pick<Draft, 'input' | 'record'>;

/** Rows of one scoring call, and how long a decision waits for others to fill it. */
const BATCH = 300;
const EVERY_MS = 250;
/** Decisions that wait; beyond that the newest are dropped: live traffic owes the challenger nothing. */
const WAITING = 5_000;
const DEADLINE_MS = 5_000;
/** How often a process writes down what it has counted. */
const COUNT_EVERY_MS = 2_000;

/**
 * Lets a challenger decide what was decided, beside the live path and without effect: after the answer, by the batch,
 * as long as there is room. Decisions taken without the model are left out: there is nothing to compare with.
 */
export class Shadow {
  private readonly processId = randomUUID();
  private waiting: Seen[] = [];
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> = Promise.resolve();
  private counted: { version: number; pairs: Record<string, number>; failed: number; dropped: number } | undefined;
  private writtenAt = 0;
  private dirty = false;

  constructor(private readonly parts: ShadowParts) {}

  /** Never throws and never waits. */
  observe(seen: Seen): void {
    if (!this.parts.challenger.peek() || seen.record.decision.mode === 'degraded') return;
    if (this.waiting.length >= WAITING) {
      this.missed('dropped', 1);
      return;
    }
    this.waiting.push(seen);
    this.timer ??= setTimeout(() => void this.flush(), EVERY_MS).unref();
  }

  /** Compares what waits, and writes down what was counted. */
  flush(finally_ = false): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
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
    const wait = this.writtenAt + COUNT_EVERY_MS - Date.now();
    if (wait > 0 && !finally_) {
      this.timer ??= setTimeout(() => void this.flush(), wait).unref();
      return;
    }
    const { version, ...counts } = this.counted;
    this.dirty = false;
    this.writtenAt = Date.now();
    await this.parts.store.count(version, this.processId, counts satisfies ShadowCounts);
  }
}
