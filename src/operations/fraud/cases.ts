import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../../domain/errors';
import { decide } from '../../domain/fraud/decide';
import { type Decision, moreSevere, type Reason } from '../../domain/fraud/decision';
import { featureVector } from '../../domain/fraud/features';
import type { CompiledRuleSet } from '../../domain/fraud/rules';
import { iso } from '../../domain/ids';
import { startEntry } from '../../domain/platform/outbox';
import type { ScoringEndpoint } from '../../gateways/fraud/sagemaker';
import { conditionHolds } from '../../stores/conflicts';
import type { Db } from '../../stores/dynamodb';
import type { DecidedTransaction, DecisionStore } from '../../stores/fraud/decisions';
import type { InvestigationStore } from '../../stores/fraud/investigations';
import type { TransactItem } from '../../stores/platform/outbox';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { investigationStart, type InvestigationPolicy } from '../../domain/fraud/workflows';

/** The parts that {@link Cases} needs. */
export interface CaseParts {
  db: Db;
  decisions: DecisionStore;
  investigations: InvestigationStore;
  outbox: OutboxWriter;
  endpoint: Pick<ScoringEndpoint, 'score'>;
  rules: { current(): CompiledRuleSet };
  now?(): number;
}

/** Deadline of the endpoint for a batch of payments that are scored again, in milliseconds. No caller waits for it. */
const RESCORE_DEADLINE_MS = 10_000;

/**
 * Opens investigations after the decision: on request, or because the decision with the model would have been more
 * severe.
 */
export class Cases {
  private readonly now: () => number;

  constructor(
    private readonly parts: CaseParts,
    private readonly policy: InvestigationPolicy,
  ) {
    this.now = parts.now ?? Date.now;
  }

  /**
   * Opens an investigation of any decided transaction. If there is one already, changes nothing.
   * @returns whether this call opened it
   * @throws LongwatchError `notFound` if the transaction was never decided
   */
  async open(transactionId: string, openedBy: string): Promise<{ opened: boolean }> {
    const found = await this.parts.decisions.find(transactionId);
    if (!found) throw new LongwatchError('notFound', `There is no transaction ${transactionId}`);
    const reason: Reason = { code: 'OPENED_BY_HAND', text: `opened by ${openedBy}`, source: 'rule', outcome: 'review' };
    return { opened: await this.openWith(found, reason) };
  }

  /**
   * Scores transactions that were decided without the model again, in one call. If the result of an approved
   * transaction is more severe, opens an investigation. An open case scores its transaction itself. Scoring a
   * transaction twice changes nothing.
   * @throws ScoringFailure if the model does not answer; then the entries stay in the outbox
   */
  async rescoreBatch(transactionIds: string[]): Promise<void> {
    const found = (await this.parts.decisions.findAll(transactionIds)).filter((decided) => !decided.rescored);
    if (found.length === 0) return;
    const { scores } = await this.parts.endpoint.score(
      found.map(({ features }) => featureVector(features)),
      { deadlineMs: RESCORE_DEADLINE_MS, explain: 'approximate' },
    );
    await Promise.all(found.map((decided, row) => this.rescored(decided, scores[row])));
  }

  private async rescored(
    decided: DecidedTransaction,
    scored: { score: number; contributions?: readonly number[] } | undefined,
  ): Promise<void> {
    if (!scored) throw new LongwatchError('badAnswer', 'The endpoint returned fewer scores than rows');
    const { transaction, decision, features } = decided;
    const now = this.now();
    const verdict = decide({
      transaction,
      features,
      score: scored.score,
      ...(scored.contributions && { contributions: scored.contributions }),
      now,
      rules: this.parts.rules.current(),
    });
    const result = this.parts.decisions.rescored(transaction.transactionId, {
      score: scored.score,
      outcome: verdict.outcome,
      at: iso(now),
    });
    const worse = decision.outcome === 'approve' && verdict.outcome !== 'approve';
    if (!worse) {
      await this.transact([result]);
      return;
    }
    const full: Decision = { ...decision, outcome: verdict.outcome, score: scored.score, reasons: verdict.reasons };
    await this.openCase({ ...decided, decision: full }, [result]);
  }

  private openWith(found: DecidedTransaction, reason: Reason): Promise<boolean> {
    const decision: Decision = {
      ...found.decision,
      outcome: moreSevere(found.decision.outcome, 'review'),
      reasons: [reason, ...found.decision.reasons],
    };
    return this.openCase({ ...found, decision }, []);
  }

  /**
   * Writes the case, the outbox entry of its workflow and the given items in one transaction.
   * @returns false if the case exists already
   */
  private async openCase({ transaction, decision }: DecidedTransaction, also: TransactItem[]): Promise<boolean> {
    const now = this.now();
    const facts = { transaction, decision, openedAt: now };
    const start = startEntry(investigationStart(facts, this.policy), now);
    const opening = [this.parts.investigations.openingItem(facts), this.parts.outbox.recording(start)];
    const opened = await this.transact([...also, ...opening]);
    if (opened) this.parts.outbox.dispatchSoon(start);
    return opened;
  }

  /**
   * Writes items in one transaction.
   * @returns false if a condition failed, because another writer did the same before
   */
  private transact(TransactItems: TransactItem[]): Promise<boolean> {
    return conditionHolds(() => this.parts.db.client.send(new TransactWriteCommand({ TransactItems })));
  }
}
