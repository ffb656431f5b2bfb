import type { Outcome } from './decision';

/** Comparisons of a rule's condition. */
export const comparisons = ['==', '!=', '<', '<=', '>', '>='] as const;
export type Comparison = (typeof comparisons)[number];
export type Scalar = string | number | boolean;

/** A condition over features, the score and the transaction's fields. A missing value makes a comparison false. */
export type Condition =
  | { all: readonly Condition[] }
  | { any: readonly Condition[] }
  | { not: Condition }
  | { field: string; is: Comparison; value: Scalar }
  | { field: string; between: readonly [number, number] }
  | { field: string; in: readonly Scalar[] };

export interface Rule {
  id: string;
  when: Condition;
  outcome: Outcome;
  /** Machine-readable, upper snake case. */
  reason: string;
  /** A sentence for people. */
  text: string;
  /** Default true. */
  enabled?: boolean;
  /** A shadow rule is evaluated and reported but decides nothing. */
  shadow?: boolean;
}

/** Scores from `from` on give this outcome. */
export interface Band {
  outcome: Exclude<Outcome, 'approve'>;
  from: number;
}

export interface RuleSet {
  bands: readonly Band[];
  rules: readonly Rule[];
}

/** A stored version is one item, and DynamoDB takes 400 KB. */
export const ruleSetLimits = {
  rules: 200,
  depth: 8,
  conditions: 1000,
  listed: 200,
  textLength: 200,
  valueLength: 128,
  bytes: 350 * 1024,
} as const;
