import { RESCORE_KIND, type Rescoring } from '../../domain/fraud/rescoring';
import { type OutboxKind, outboxKind } from '../platform/outbox/kinds';
import type { Cases } from './cases';

/** Maximum number of transactions in one call of the model's endpoint. */
const BATCH = 100;

/** Makes the outbox kind that scores transactions again after they were decided without the model. */
export function rescores(cases: Pick<Cases, 'rescoreBatch'>): OutboxKind {
  return outboxKind<Rescoring>({
    kind: RESCORE_KIND,
    dispatched: 'due',
    batch: BATCH,
    dispatch: (entries) => cases.rescoreBatch(entries.map(({ payload }) => payload.transactionId)),
  });
}
