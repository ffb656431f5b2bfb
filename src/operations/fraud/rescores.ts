import { RESCORE_KIND, type Rescoring } from '../../domain/fraud/rescoring';
import { type OutboxKind, outboxKind } from '../platform/outbox/kinds';
import type { Cases } from './cases';

/** Transactions of one call of the model's endpoint. */
const BATCH = 100;

/** Scores transactions again that were decided without the model. */
export function rescores(cases: Pick<Cases, 'rescoreBatch'>): OutboxKind {
  return outboxKind<Rescoring>({
    kind: RESCORE_KIND,
    dispatched: 'due',
    batch: BATCH,
    dispatch: (entries) => cases.rescoreBatch(entries.map(({ payload }) => payload.transactionId)),
  });
}
