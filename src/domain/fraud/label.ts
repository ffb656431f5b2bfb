/** What a transaction turned out to be, once somebody knows. */
export const labels = ['fraud', 'genuine'] as const;
export type Label = (typeof labels)[number];
