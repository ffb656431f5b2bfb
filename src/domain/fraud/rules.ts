import type { Outcome } from './decision';
import { ruleFields, type RuleInput } from './ruleFields';
import type { Comparison, Condition, Rule, RuleSet, Scalar } from './ruleSet';

/** A compiled condition: returns whether the input matches. */
export type Predicate = (input: RuleInput) => boolean;

/** A rule with its compiled condition. */
export interface CompiledRule {
  rule: Rule;
  hits: Predicate;
}

/** A compiled rule set. Each version is compiled once. */
export interface CompiledRuleSet {
  version: number;
  ruleSet: RuleSet;
  /** The enabled rules, shadow rules included. */
  rules: readonly CompiledRule[];
  /** Returns the outcome of the score alone: `approve` below every band, and without a score. */
  band(score: number | null): Outcome;
}

/** Compiles a validated rule set into closures. */
export function compileRuleSet(ruleSet: RuleSet, version: number): CompiledRuleSet {
  const bands = [...ruleSet.bands].sort((a, b) => b.from - a.from);
  return {
    version,
    ruleSet,
    rules: ruleSet.rules
      .filter((rule) => rule.enabled !== false)
      .map((rule) => ({ rule, hits: compileCondition(rule.when) })),
    band: (score) => (score === null ? 'approve' : (bands.find(({ from }) => score >= from)?.outcome ?? 'approve')),
  };
}

/**
 * Compiles a condition of a validated rule set.
 * @throws RangeError when the condition names an unknown field.
 */
export function compileCondition(condition: Condition): Predicate {
  if ('all' in condition) {
    const parts = condition.all.map(compileCondition);
    return (input) => parts.every((part) => part(input));
  }
  if ('any' in condition) {
    const parts = condition.any.map(compileCondition);
    return (input) => parts.some((part) => part(input));
  }
  if ('not' in condition) {
    const part = compileCondition(condition.not);
    return (input) => !part(input);
  }
  const field = ruleFields.get(condition.field);
  if (!field) throw new RangeError(`A validated rule set names the unknown field ${condition.field}`);
  const { read } = field;
  if ('between' in condition) {
    const [low, high] = condition.between;
    return (input) => {
      const value = read(input);
      return typeof value === 'number' && value >= low && value <= high;
    };
  }
  if ('in' in condition) {
    const values = new Set(condition.in.map(plain));
    return (input) => {
      const value = read(input);
      return value !== undefined && values.has(value);
    };
  }
  const compare = comparators[condition.is];
  const wanted = plain(condition.value);
  return (input) => {
    const value = read(input);
    return value !== undefined && compare(value, wanted);
  };
}

/** Flags are stored as the numbers 0 and 1 in the features, so a boolean in a rule is compared as a number. */
const plain = (value: Scalar): string | number => (typeof value === 'boolean' ? Number(value) : value);

const comparators: Record<Comparison, (a: string | number, b: string | number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};
