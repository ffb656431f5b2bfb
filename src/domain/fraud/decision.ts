/** The outcomes of a decision, from mildest to most severe. */
export const outcomes = ['approve', 'alert', 'review', 'block'] as const;
/** One of {@link outcomes}. */
export type Outcome = (typeof outcomes)[number];

/** Returns the more severe of two outcomes. */
export function moreSevere(a: Outcome, b: Outcome): Outcome {
  return outcomes.indexOf(a) >= outcomes.indexOf(b) ? a : b;
}

/** One reason for an outcome: a rule that matched, the model's score band, a feature's contribution, or a hold. */
export interface Reason {
  /** Machine-readable, upper snake case: `IMPOSSIBLE_TRAVEL`, `SCORE_BAND_REVIEW`, `FEATURE_amountOverMean`. */
  code: string;
  /** A sentence for investigators. */
  text: string;
  source: 'rule' | 'model' | 'feature' | 'hold';
  /** The outcome that this reason alone would give; absent for features, which only explain the score. */
  outcome?: Outcome;
  /** Only for features: the contribution to the score in log-odds. */
  contribution?: number;
}

/** The causes of degraded mode, in which the rules decide without the model's score. */
export const degradedCauses = [
  'model-late',
  'model-error',
  'model-nonsense',
  'model-unreachable',
  'circuit-open',
  'out-of-time',
] as const;
/** One of {@link degradedCauses}. */
export type DegradedCause = (typeof degradedCauses)[number];

/** The decision of a transaction, stored and sent in exactly this form. */
export interface Decision {
  transactionId: string;
  outcome: Outcome;
  /** Probability of fraud, 0 to 1; null in degraded mode. */
  score: number | null;
  reasons: Reason[];
  mode: 'full' | 'degraded';
  /** Present in degraded mode only. */
  degradedBecause?: DegradedCause;
  ruleSetVersion: number;
  /** Null in degraded mode. */
  modelVersion: string | null;
  /** Milliseconds from the arrival of the request until just before the decision is written. */
  latencyMs: number;
  /** ISO 8601 UTC. */
  decidedAt: string;
  /** Present when the decision opens a case; equals the transaction id. */
  investigationId?: string;
}
