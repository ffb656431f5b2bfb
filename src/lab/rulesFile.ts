import { readFileSync } from 'node:fs';
import { isLongwatchError } from '../domain/errors';
import { defaultRules } from '../domain/fraud/defaultRules';
import { type CompiledRuleSet, compileRuleSet } from '../domain/fraud/rules';
import type { RuleSet } from '../domain/fraud/ruleSet';
import { validateRuleSet } from '../domain/fraud/ruleValidation';
import { LabError } from './errors';

/**
 * Reads and validates a rule set in the format of `GET` or `PUT /v1/rules`. The file is read once, so it may be a pipe.
 * @throws LabError listing all faults
 */
export function readRuleSet(path: string): RuleSet {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as { ruleSet?: unknown };
    return validateRuleSet(found.ruleSet ?? found);
  } catch (error) {
    if (isLongwatchError(error)) {
      const faults = (error.detail.faults ?? []).map(({ field, message }) => `  ${field} ${message}`);
      throw new LabError(`${path}: ${error.message}\n${faults.join('\n')}`);
    }
    throw new LabError(`${path} cannot be read (${(error as Error).message})`);
  }
}

/** Reads a rule set and compiles it; without a path, the default rule set. @throws LabError as {@link readRuleSet} */
export function readRules(path: string | undefined): CompiledRuleSet {
  return compileRuleSet(path === undefined ? defaultRules : readRuleSet(path), 0);
}
