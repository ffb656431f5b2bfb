import type { DegradedCause } from '../../domain/fraud/decision';

/** The model gave no score; `kind` says why. A decision does not retry, because its time budget is used up. */
export class ScoringFailure extends Error {
  override readonly name = 'ScoringFailure';

  constructor(
    readonly kind: DegradedCause,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/** Returns the failure of a call to the endpoint. @param aborted whether the deadline has passed */
export function failureOf(error: unknown, aborted: boolean): ScoringFailure {
  if (aborted) return new ScoringFailure('model-late', 'The model did not answer in time', error);
  const status = statusOf(error);
  if (status !== undefined) return new ScoringFailure('model-error', `The model's endpoint answered ${status}`, error);
  return new ScoringFailure('model-unreachable', "The model's endpoint cannot be reached", error);
}

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;

/**
 * Whether a single row may be the reason of a failure, so that the other rows of the call can have scores. Not if the
 * endpoint is overloaded or broken: then more calls would only add to its load.
 */
export function mayConcernOneRow({ kind, cause }: ScoringFailure): boolean {
  const status = statusOf(cause) ?? 0;
  return kind === 'model-nonsense' || (kind === 'model-error' && status < 500 && status !== 429);
}
