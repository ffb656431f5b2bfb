import { readFileSync } from 'node:fs';
import { isLongwatchError } from '../domain/errors';
import { defaultRules } from '../domain/fraud/defaultRules';
import { type CompiledRuleSet, compileRuleSet } from '../domain/fraud/rules';
import { validateRuleSet } from '../domain/fraud/ruleValidation';
import { LabError } from './errors';

/**
 * A rule set as `GET` and `PUT /v1/rules` have it; without a path the one that ships.
 * @throws LabError with every fault of it.
 */
export function readRules(path: string | undefined): CompiledRuleSet {
  if (path === undefined) return compileRuleSet(defaultRules, 0);
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as { ruleSet?: unknown };
    return compileRuleSet(validateRuleSet(found.ruleSet ?? found), 0);
  } catch (error) {
    if (isLongwatchError(error)) throw new LabError(`${path}: ${error.message}\n${(error.detail.faults ?? []).map(({ field, message }) => `  ${field} ${message}`).join('\n')}`);
    throw new LabError(`${path} cannot be read (${(error as Error).message})`);
  }
}
