/** The labels that a transaction gets when an investigation, the customer or a label import establishes them. */
export const labels = ['fraud', 'genuine'] as const;
/** One of {@link labels}. */
export type Label = (typeof labels)[number];
