import { readFileSync } from 'node:fs';
import { isLongwatchError } from '../domain/errors';
import { defaultRules } from '../domain/fraud/defaultRules';
import { type CompiledRuleSet, compileRuleSet } from '../domain/fraud/rules';
import type { RuleSet } from '../domain/fraud/ruleSet';
import { validateRuleSet } from '../domain/fraud/ruleValidation';
import { LabError } from './errors';

/**
 * A rule set as `GET` and `PUT /v1/rules` have it, checked; the file is read once, so that it may be a pipe.
 * @throws LabError with every fault of it.
 */
export function readRuleSet(path: string): RuleSet {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as { ruleSet?: unknown };
    return validateRuleSet(found.ruleSet ?? found);
  } catch (error) {
    if (isLongwatchError(error))
      throw new LabError(
        `${path}: ${error.message}\n${(error.detail.faults ?? []).map(({ field, message }) => `  ${field} ${message}`).join('\n')}`,
      );
    throw new LabError(`${path} cannot be read (${(error as Error).message})`);
  }
}

/** A rule set of a file, ready to decide; without a path the one that ships. @throws LabError as {@link readRuleSet} */
export function readRules(path: string | undefined): CompiledRuleSet {
  return compileRuleSet(path === undefined ? defaultRules : readRuleSet(path), 0);
}
