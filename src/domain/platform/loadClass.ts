/**
 * Classes of routes that share a process under load. `money`: payments, checkouts and their confirmations.
 * `interactive`: what a person waits for. `bulk`: submissions, readings and lists that programs send or read in
 * numbers.
 */
export const loadClasses = ['money', 'interactive', 'bulk'] as const;

export type LoadClass = (typeof loadClasses)[number];

/** Shares of the service rate, by class, while requests of several classes wait. */
export const loadWeights: Readonly<Record<LoadClass, number>> = { money: 6, interactive: 3, bulk: 1 };
