import type { OutboxEntry } from '../platform/outbox';

export const RESCORE_KIND = 'rescore';

/** A transaction that was decided without the model, and is scored again once the model answers. */
export interface Rescoring {
  transactionId: string;
}

/** The outbox entry of a rescoring. @param dueAt epoch ms. */
export const rescoreEntry = (transactionId: string, dueAt: number): OutboxEntry<Rescoring> => ({
  kind: RESCORE_KIND,
  id: transactionId,
  payload: { transactionId },
  dueAt,
});
