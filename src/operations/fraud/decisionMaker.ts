import { createHash } from 'node:crypto';
import { defined } from '../../domain/defined';
import { decide } from '../../domain/fraud/decide';
import type { Decision, DegradedCause } from '../../domain/fraud/decision';
import type { Features } from '../../domain/fraud/features';
import { isUnusuallyHigh, type UserProfile } from '../../domain/fraud/profile';
import type { CompiledRuleSet } from '../../domain/fraud/rules';
import type { Transaction } from '../../domain/fraud/transaction';
import { canonicalContent } from '../../domain/fraud/transactionSchema';
import { iso } from '../../domain/ids';
import { rescoreEntry } from '../../domain/fraud/rescoreEntry';
import { type OutboxEntry, startEntry } from '../../domain/platform/outbox';
import type { DecisionRecord } from '../../stores/fraud/decisions';
import type { InvestigationStore } from '../../stores/fraud/investigations';
import type { TransactItem } from '../../stores/platform/outbox';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { investigationStart, type InvestigationPolicy } from '../../domain/fraud/workflows';
import { type Clock, systemClock } from '../../timing/clock';

/** The model's score of a transaction, or the reason why there is none. */
export interface Scored {
  score: number | null;
  contributions?: readonly number[];
  modelVersion: string | null;
  degradedBecause?: DegradedCause;
}

/** The inputs of a decision. */
export interface DecisionInput {
  transaction: Transaction;
  contentHash: string;
  features: Features;
  /** The user's profile before the transaction. */
  profile: UserProfile;
  heldUntil?: number;
  scored: Scored;
  /** When the transaction arrived, and the clock that measured it. */
  arrived: { at: number; clock: Clock };
}

/** A decision that is not written yet. */
export interface UnwrittenDecision {
  /** The inputs of the decision. */
  input: DecisionInput;
  record: DecisionRecord;
  /** The outbox entry of the investigation, which is dispatched after the decision is written. */
  start?: OutboxEntry;
  /** Rules in shadow mode that matched; they do not affect the decision. */
  shadowHits: readonly string[];
}

/** The parts that {@link DecisionMaker} needs. */
export interface DecisionMakerParts {
  outbox: Pick<OutboxWriter, 'recording'>;
  investigations: InvestigationStore;
  rules: { current(): CompiledRuleSet };
  clock?: Clock;
}

/** The settings of {@link DecisionMaker}. */
export interface DecisionMakerSettings {
  /** Delay after which a decision without the model is scored again, in milliseconds. */
  rescoreAfterMs: number;
  policy: InvestigationPolicy;
}

/** Makes decisions, with the same code for requests and for the stream. Pure except for the clock. */
export class DecisionMaker {
  private readonly clock: Clock;

  constructor(
    private readonly parts: DecisionMakerParts,
    private readonly settings: DecisionMakerSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Decides, and prepares the items to write: a rescore entry if there was no score, and a case if the payment is not
   * approved.
   */
  make(input: DecisionInput): UnwrittenDecision {
    const { transaction, contentHash, features, profile, heldUntil, scored, arrived } = input;
    const rules = this.parts.rules.current();
    const now = this.clock.now();
    const latencyMs = latencySince(arrived);
    const verdict = decide({
      transaction,
      features,
      score: scored.score,
      ...defined({ contributions: scored.contributions, heldUntil }),
      now,
      rules,
    });
    const decision: Decision = {
      transactionId: transaction.transactionId,
      outcome: verdict.outcome,
      score: scored.score,
      reasons: verdict.reasons,
      mode: scored.degradedBecause ? 'degraded' : 'full',
      ...defined({ degradedBecause: scored.degradedBecause }),
      ruleSetVersion: rules.version,
      modelVersion: scored.modelVersion,
      latencyMs,
      decidedAt: iso(now),
      ...(verdict.outcome !== 'approve' && { investigationId: transaction.transactionId }),
    };
    const { also, start } = this.consequences(transaction, decision, now);
    return {
      input,
      record: {
        transaction,
        contentHash,
        decision,
        body: JSON.stringify(decision),
        features,
        unusualAmount: isUnusuallyHigh(profile, transaction),
        also,
      },
      ...defined({ start }),
      shadowHits: verdict.shadowHits,
    };
  }

  private consequences(
    transaction: Transaction,
    decision: Decision,
    now: number,
  ): { also: TransactItem[]; start?: OutboxEntry } {
    const { outbox, investigations } = this.parts;
    const also: TransactItem[] = [];
    if (decision.mode === 'degraded')
      also.push(outbox.recording(rescoreEntry(transaction.transactionId, now + this.settings.rescoreAfterMs)));
    if (decision.outcome === 'approve') return { also };
    const facts = { transaction, decision, openedAt: now };
    const start = startEntry(investigationStart(facts, this.settings.policy), now);
    also.push(investigations.openingItem(facts), outbox.recording(start));
    return { also, start };
  }
}

/**
 * Returns the latency of a decision: milliseconds since the transaction arrived, rounded to tenths. Not negative if the
 * clock was set back.
 */
function latencySince({ at, clock }: DecisionInput['arrived']): number {
  return Math.round(Math.max(0, clock.now() - at) * 10) / 10;
}

/**
 * Returns the hash of a transaction's content. A repeated transaction must have the same hash, whichever way it
 * arrives.
 */
export function contentHashOf(transaction: Transaction): string {
  return createHash('sha256').update(canonicalContent(transaction)).digest('base64');
}
