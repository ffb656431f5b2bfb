import type { Outcome } from './decision';

/** Comparisons of a rule's condition. */
export const comparisons = ['==', '!=', '<', '<=', '>', '>='] as const;
/** One of {@link comparisons}. */
export type Comparison = (typeof comparisons)[number];
/** A value that a condition compares with; booleans are for flags. */
export type Scalar = string | number | boolean;

/** A condition over features, the score and the transaction's fields. A comparison with a missing value is false. */
export type Condition =
  | { all: readonly Condition[] }
  | { any: readonly Condition[] }
  | { not: Condition }
  | { field: string; is: Comparison; value: Scalar }
  | { field: string; between: readonly [number, number] }
  | { field: string; in: readonly Scalar[] };

/** A rule: when its condition matches, it gives its outcome and its reason. */
export interface Rule {
  id: string;
  when: Condition;
  outcome: Outcome;
  /** Machine-readable, upper snake case. */
  reason: string;
  /** A sentence for investigators. */
  text: string;
  /** Default true. */
  enabled?: boolean;
  /** Whether this is a shadow rule: it is evaluated and reported, but does not change the outcome. Default false. */
  shadow?: boolean;
}

/** A score band: scores of `from` and above have this outcome, up to the next band. */
export interface Band {
  outcome: Exclude<Outcome, 'approve'>;
  from: number;
}

/** The score bands and the rules that decide a transaction. */
export interface RuleSet {
  bands: readonly Band[];
  rules: readonly Rule[];
}

/** The limits of a rule set. A stored version is one DynamoDB item of at most 400 KB. */
export const ruleSetLimits = {
  rules: 200,
  depth: 8,
  conditions: 1000,
  listed: 200,
  textLength: 200,
  valueLength: 128,
  bytes: 350 * 1024,
} as const;
