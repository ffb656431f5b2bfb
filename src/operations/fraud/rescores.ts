import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../../domain/errors';
import { decide } from '../../domain/fraud/decide';
import { featureVector } from '../../domain/fraud/features';
import { RESCORE_KIND, type Rescoring } from '../../domain/fraud/rescoreEntry';
import type { CompiledRuleSet } from '../../domain/fraud/rules';
import { iso } from '../../domain/ids';
import type { ScoringEndpoint } from '../../gateways/fraud/sagemaker';
import { conditionHolds } from '../../stores/conditionHolds';
import type { Db } from '../../stores/dynamodb';
import type { DecidedTransaction, DecisionStore } from '../../stores/fraud/decisions';
import { type OutboxKind, outboxKind } from '../platform/outbox/kinds';
import type { CaseOpener } from './caseOpener';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link Rescores} needs. */
export interface RescoresParts {
  db: Db;
  decisions: DecisionStore;
  cases: Pick<CaseOpener, 'openCase'>;
  endpoint: Pick<ScoringEndpoint, 'score'>;
  rules: { current(): CompiledRuleSet };
  clock?: Clock;
}

/** Maximum number of transactions in one call of the model's endpoint. */
const BATCH = 100;
/** Deadline of the endpoint for a batch, in milliseconds. No caller waits for it. */
const DEADLINE_MS = 10_000;

/** Scores transactions again that were decided without the model. */
export class Rescores {
  private readonly clock: Clock;

  constructor(private readonly parts: RescoresParts) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Scores transactions in one call. If the result of an approved transaction is more severe, opens an investigation.
   * An open case scores its transaction itself. Scoring a transaction twice changes nothing.
   * @throws ScoringFailure if the model does not answer; then the entries stay in the outbox
   */
  async rescore(transactionIds: string[]): Promise<void> {
    const { decisions, endpoint } = this.parts;
    const found = (await decisions.findAll(transactionIds)).filter((decided) => !decided.rescored);
    if (found.length === 0) return;
    const { scores } = await endpoint.score(
      found.map(({ features }) => featureVector(features)),
      { deadlineMs: DEADLINE_MS, explain: 'approximate' },
    );
    await Promise.all(found.map((decided, row) => this.write(decided, scores[row])));
  }

  private async write(
    decided: DecidedTransaction,
    scored: { score: number; contributions?: readonly number[] } | undefined,
  ): Promise<void> {
    if (!scored) throw new LongwatchError('badAnswer', 'The endpoint returned fewer scores than rows');
    const { transaction, decision, features } = decided;
    const now = this.clock.now();
    const { outcome, reasons } = decide({
      transaction,
      features,
      score: scored.score,
      ...(scored.contributions && { contributions: scored.contributions }),
      now,
      rules: this.parts.rules.current(),
    });
    const { score } = scored;
    const result = this.parts.decisions.rescored(transaction.transactionId, { score, outcome, at: iso(now) });
    if (decision.outcome === 'approve' && outcome !== 'approve') {
      await this.parts.cases.openCase({ ...decided, decision: { ...decision, outcome, score, reasons } }, [result]);
      return;
    }
    // The condition does not hold if another process has written a score.
    await conditionHolds(() => this.parts.db.client.send(new TransactWriteCommand({ TransactItems: [result] })));
  }
}

/** Makes the kind of outbox entries that request a new score of a transaction. */
export function rescoreKind(rescores: Pick<Rescores, 'rescore'>): OutboxKind {
  return outboxKind<Rescoring>({
    kind: RESCORE_KIND,
    dispatched: 'due',
    batch: BATCH,
    dispatch: (entries) => rescores.rescore(entries.map(({ payload }) => payload.transactionId)),
  });
}
