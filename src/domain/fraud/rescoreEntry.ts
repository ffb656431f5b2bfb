import type { OutboxEntry } from '../platform/outbox';

/** The kind of the outbox entry of a rescoring. */
export const RESCORE_KIND = 'rescore';

/** The payload of a rescoring: a transaction decided in degraded mode is scored again once the model is available. */
export interface Rescoring {
  transactionId: string;
}

/** Returns the outbox entry of a rescoring. @param dueAt epoch ms. */
export const rescoreEntry = (transactionId: string, dueAt: number): OutboxEntry<Rescoring> => ({
  kind: RESCORE_KIND,
  id: transactionId,
  payload: { transactionId },
  dueAt,
});
