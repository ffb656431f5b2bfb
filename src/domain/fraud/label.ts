/** The labels of a transaction, recorded when its case is closed or by `PUT /v1/transactions/:id/label`. */
export const labels = ['fraud', 'genuine'] as const;
/** One of {@link labels}. */
export type Label = (typeof labels)[number];
