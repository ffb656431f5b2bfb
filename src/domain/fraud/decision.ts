/** From mildest to most severe. */
export const outcomes = ['approve', 'alert', 'review', 'block'] as const;
export type Outcome = (typeof outcomes)[number];

/** The more severe of two outcomes. */
export function moreSevere(a: Outcome, b: Outcome): Outcome {
  return outcomes.indexOf(a) >= outcomes.indexOf(b) ? a : b;
}

/** Why an outcome is what it is: a rule that hit, the model's score band, a feature that drove it, a hold. */
export interface Reason {
  /** Machine-readable, upper snake case: `IMPOSSIBLE_TRAVEL`, `SCORE_BAND_REVIEW`, `FEATURE_amountOverMean`. */
  code: string;
  /** A sentence for people. */
  text: string;
  source: 'rule' | 'model' | 'feature' | 'hold';
  /** The outcome that this reason alone would give; absent for features. */
  outcome?: Outcome;
  /** Features only: contribution to the score in log-odds. */
  contribution?: number;
}

/** Why the model did not take part. */
export const degradedCauses = [
  'model-late',
  'model-error',
  'model-nonsense',
  'model-unreachable',
  'circuit-open',
  'out-of-time',
] as const;
export type DegradedCause = (typeof degradedCauses)[number];

/** The answer to a transaction, exactly as it is stored and sent. */
export interface Decision {
  transactionId: string;
  outcome: Outcome;
  /** Probability of fraud, 0 to 1; null when the model did not take part. */
  score: number | null;
  reasons: Reason[];
  mode: 'full' | 'degraded';
  degradedBecause?: DegradedCause;
  ruleSetVersion: number;
  modelVersion: string | null;
  /** From the request's arrival to just before the decision was written. */
  latencyMs: number;
  /** ISO 8601 UTC. */
  decidedAt: string;
  /** Present when the decision owes an investigation; equals the transaction id. */
  investigationId?: string;
}
