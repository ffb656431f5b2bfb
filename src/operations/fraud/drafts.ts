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
import { rescoreEntry } from '../../domain/fraud/rescoring';
import { type OutboxEntry, startEntry } from '../../domain/platform/outbox';
import type { DecisionRecord } from '../../stores/fraud/decisions';
import type { InvestigationStore } from '../../stores/fraud/investigations';
import type { TransactItem } from '../../stores/platform/outbox';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { investigationStart, type InvestigationPolicy } from '../../domain/fraud/workflows';

/** What the model said of a transaction, or why it said nothing. */
export interface Scored {
  score: number | null;
  contributions?: readonly number[];
  modelVersion: string | null;
  degradedBecause?: DegradedCause;
}

export interface DraftInput {
  transaction: Transaction;
  contentHash: string;
  features: Features;
  /** The user's profile just before the transaction. */
  profile: UserProfile;
  heldUntil?: number;
  scored: Scored;
  /** Milliseconds since the transaction came in. */
  latencyMs: number;
}

/** A decision that is taken but not yet written. */
export interface Draft {
  /** What was decided on. */
  input: DraftInput;
  record: DecisionRecord;
  /** The investigation to start once the decision is written. */
  start?: OutboxEntry;
  shadowHits: readonly string[];
}

export interface DraftParts {
  outbox: Pick<OutboxWriter, 'recording'>;
  investigations: InvestigationStore;
  rules: { current(): CompiledRuleSet };
  now?(): number;
}

export interface DraftSettings {
  /** When a degraded decision is first scored again, in milliseconds from now. */
  rescoreAfterMs: number;
  policy: InvestigationPolicy;
}

/** Takes decisions, the same for the request path and the stream path: pure but for the clock. */
export class Drafts {
  private readonly now: () => number;

  constructor(
    private readonly parts: DraftParts,
    private readonly settings: DraftSettings,
  ) {
    this.now = parts.now ?? (() => Date.now());
  }

  draft(input: DraftInput): Draft {
    const { transaction, contentHash, features, profile, heldUntil, scored, latencyMs } = input;
    const rules = this.parts.rules.current();
    const now = this.now();
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
      latencyMs: Math.round(latencyMs * 10) / 10,
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

/** What a repetition must equal, whatever path it takes. */
export function contentHashOf(transaction: Transaction): string {
  return createHash('sha256').update(canonicalContent(transaction)).digest('base64');
}
