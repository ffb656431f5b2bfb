/**
 * The classes of routes that share a process under load. `money`: payments, checkouts and their confirmations.
 * `interactive`: requests that a person waits for. `bulk`: submissions, readings and lists that programs send or read
 * in large numbers.
 */
export const loadClasses = ['money', 'interactive', 'bulk'] as const;
/** One of {@link loadClasses}. */
export type LoadClass = (typeof loadClasses)[number];

/** The share of each class in the service rate while requests of several classes wait in the admission queue. */
export const loadWeights: Readonly<Record<LoadClass, number>> = { money: 6, interactive: 3, bulk: 1 };
