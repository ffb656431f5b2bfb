import { faultOfJson } from '../edge/json';
import { type FieldFault, LongwatchError } from '../errors';
import { outcomes } from './decision';
import { nearestName } from '../nearest';
import { ruleFields } from './ruleFields';
import { type Comparison, comparisons, type RuleSet, ruleSetLimits } from './ruleSet';

/**
 * Validates a rule set completely: reports up to 30 faults, each with its path.
 * @throws LongwatchError `invalid` with the faults.
 */
export function validateRuleSet(input: unknown): RuleSet {
  const checker = new Checker();
  checker.ruleSet(input);
  // Checked last: the messages of the rule language are more precise than those about what DynamoDB can store.
  const unkept = checker.faults.length === 0 ? faultOfJson(input) : undefined;
  if (unkept) checker.faults.push(unkept);
  if (checker.faults.length === 0) checker.size(input);
  if (checker.faults.length > 0)
    throw new LongwatchError(
      'invalid',
      `The rule set has ${checker.faults.length} fault(s); the current rule set stays in effect`,
      {
        faults: checker.faults,
      },
    );
  return input as RuleSet;
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** Formats a value for a message, without the content of objects and lists: these can be too deeply nested to print. */
const show = (value: unknown): string =>
  value === undefined
    ? 'nothing'
    : Array.isArray(value)
      ? 'a list'
      : isObject(value)
        ? 'an object'
        : JSON.stringify(value).slice(0, 60);
/** Suggests a field for an unknown name that is short enough to be a typing error. */
function suggestion(name: string): string {
  const nearest = name.length > 64 ? undefined : nearestName(name, [...ruleFields.keys()]);
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}
const forms = '{all}, {any}, {not}, {field, is, value}, {field, between} or {field, in}';

class Checker {
  readonly faults: FieldFault[] = [];
  private conditions = 0;

  ruleSet(input: unknown): void {
    if (!isObject(input)) return this.fault('', 'must be an object {bands, rules}');
    this.keys(input, '', ['bands', 'rules']);
    this.list(input['bands'], 'bands', 3).forEach((band, i) => this.band(band, `bands[${i}]`));
    const rules = this.list(input['rules'], 'rules', ruleSetLimits.rules);
    rules.forEach((rule, i) => this.rule(rule, `rules[${i}]`));
    this.unique(
      rules.map((rule) => (isObject(rule) ? rule['id'] : undefined)),
      (i) => `rules[${i}].id`,
    );
    const bands = this.list(input['bands'], 'bands', 3).filter(isObject);
    this.unique(
      bands.map((band) => band['outcome']),
      (i) => `bands[${i}].outcome`,
    );
    this.ascending(bands);
  }

  /** Refuses a set that is too large for a DynamoDB item, because DynamoDB's own error would not say the limit. */
  size(ruleSet: unknown): void {
    const bytes = Buffer.byteLength(JSON.stringify(ruleSet));
    if (bytes > ruleSetLimits.bytes)
      this.fault('', `must be at most ${ruleSetLimits.bytes / 1024} KiB of JSON, found ${Math.ceil(bytes / 1024)} KiB`);
  }

  /** A more severe outcome must begin at a higher score; otherwise the milder band would never apply. */
  private ascending(bands: readonly Json[]): void {
    const known = outcomes.flatMap((outcome) => bands.filter((band) => band['outcome'] === outcome));
    known.forEach((band, i) => {
      const milder = known[i - 1];
      if (milder && (band['from'] as number) <= (milder['from'] as number))
        this.fault(
          'bands',
          `must rise with the outcome: ${show(band['outcome'])} is from ${show(band['from'])}, ` +
            `${show(milder['outcome'])} from ${show(milder['from'])}`,
        );
    });
  }

  private band(band: unknown, path: string): void {
    if (!isObject(band)) return this.fault(path, 'must be an object {outcome, from}');
    this.keys(band, path, ['outcome', 'from']);
    this.oneOf(band['outcome'], `${path}.outcome`, ['alert', 'review', 'block']);
    const from = band['from'];
    if (typeof from !== 'number' || !(from >= 0 && from <= 1))
      this.fault(`${path}.from`, `must be a score from 0 to 1, found ${show(from)}`);
  }

  private rule(rule: unknown, path: string): void {
    if (!isObject(rule)) return this.fault(path, 'must be an object {id, when, outcome, reason, text}');
    this.keys(rule, path, ['id', 'when', 'outcome', 'reason', 'text', 'enabled', 'shadow']);
    this.text(rule['id'], `${path}.id`, /^[a-z0-9-]{1,64}$/, 'must be 1 to 64 lower-case letters, digits and "-"');
    this.text(
      rule['reason'],
      `${path}.reason`,
      /^[A-Z][A-Z0-9_]{1,63}$/,
      'must be UPPER_SNAKE_CASE, 2 to 64 characters',
    );
    this.text(
      rule['text'],
      `${path}.text`,
      /^[^\p{Cc}\u2028\u2029]{1,200}$/u,
      `must be a sentence of 1 to ${ruleSetLimits.textLength} characters`,
    );
    this.oneOf(rule['outcome'], `${path}.outcome`, outcomes);
    for (const key of ['enabled', 'shadow'])
      if (rule[key] !== undefined && typeof rule[key] !== 'boolean')
        this.fault(`${path}.${key}`, `must be true or false, found ${show(rule[key])}`);
    this.condition(rule['when'], `${path}.when`, 1);
  }

  private condition(condition: unknown, path: string, depth: number): void {
    if (++this.conditions === ruleSetLimits.conditions + 1)
      return this.fault(path, `is one condition too many: at most ${ruleSetLimits.conditions} in a rule set`);
    if (this.conditions > ruleSetLimits.conditions) return;
    if (depth > ruleSetLimits.depth) return this.fault(path, `is nested deeper than ${ruleSetLimits.depth} levels`);
    if (!isObject(condition)) return this.fault(path, `must be a condition (${forms}), found ${show(condition)}`);
    if ('all' in condition || 'any' in condition) return this.group(condition, path, depth);
    if ('not' in condition) {
      this.keys(condition, path, ['not']);
      return this.condition(condition['not'], `${path}.not`, depth + 1);
    }
    this.comparison(condition, path);
  }

  private group(condition: Json, path: string, depth: number): void {
    const key = 'all' in condition ? 'all' : 'any';
    this.keys(condition, path, [key]);
    const parts = this.list(condition[key], `${path}.${key}`, ruleSetLimits.listed);
    if (Array.isArray(condition[key]) && parts.length === 0)
      this.fault(`${path}.${key}`, 'must have at least one condition');
    parts.forEach((part, i) => this.condition(part, `${path}.${key}[${i}]`, depth + 1));
  }

  private comparison(condition: Json, path: string): void {
    const field = condition['field'];
    if (typeof field !== 'string') return this.fault(path, `must be a condition: ${forms}`);
    const known = ruleFields.get(field);
    if (!known) return this.fault(`${path}.field`, `${show(field)} is not a known field${suggestion(field)}`);
    const wanted = known.type === 'string' ? 'string' : 'number';
    const typed = (value: unknown, at: string): void => {
      const fits = typeof value === wanted || (known.type === 'flag' && typeof value === 'boolean');
      if (typeof value === 'string' && value.length > ruleSetLimits.valueLength)
        this.fault(at, `is longer than ${ruleSetLimits.valueLength} characters`);
      if (!fits || value === Infinity || value === -Infinity)
        this.fault(
          at,
          `must be a ${known.type === 'flag' ? 'boolean (or 0 or 1)' : wanted} as ${field} is, found ${show(value)}`,
        );
    };
    if ('between' in condition) {
      this.keys(condition, path, ['field', 'between']);
      return this.between(condition['between'], `${path}.between`, wanted, field);
    }
    if ('in' in condition) {
      this.keys(condition, path, ['field', 'in']);
      return this.list(condition['in'], `${path}.in`, ruleSetLimits.listed).forEach((value, i) =>
        typed(value, `${path}.in[${i}]`),
      );
    }
    this.keys(condition, path, ['field', 'is', 'value']);
    this.oneOf(condition['is'], `${path}.is`, comparisons);
    typed(condition['value'], `${path}.value`);
    if (known.type === 'string' && !['==', '!='].includes(condition['is'] as Comparison))
      this.fault(`${path}.is`, `must be "==" or "!=", since ${field} is a string`);
  }

  private between(range: unknown, path: string, wanted: string, field: string): void {
    if (wanted !== 'number') return this.fault(path, `cannot be used on ${field}, which is a string`);
    const [low, high]: unknown[] = Array.isArray(range) && range.length === 2 ? range : [];
    if (!Number.isFinite(low) || !Number.isFinite(high)) return this.fault(path, 'must be [low, high], two numbers');
    if ((low as number) > (high as number)) this.fault(path, `must not be empty: ${low} is over ${high}`);
  }

  private list(value: unknown, path: string, most: number): unknown[] {
    if (!Array.isArray(value)) {
      this.fault(path, `must be a list, found ${show(value)}`);
      return [];
    }
    if (value.length > most) this.fault(path, `has ${value.length} entries; at most ${most} are allowed`);
    return value.slice(0, most) as unknown[];
  }

  private unique(values: readonly unknown[], path: (i: number) => string): void {
    values.forEach((value, i) => {
      if (value !== undefined && values.indexOf(value) < i) this.fault(path(i), `${show(value)} is used twice`);
    });
  }

  private oneOf(value: unknown, path: string, allowed: readonly string[]): void {
    if (!allowed.includes(value as string))
      this.fault(path, `must be one of ${allowed.map((a) => `"${a}"`).join(', ')}, found ${show(value)}`);
  }

  private text(value: unknown, path: string, pattern: RegExp, message: string): void {
    if (typeof value !== 'string' || !pattern.test(value)) this.fault(path, `${message}, found ${show(value)}`);
  }

  private keys(object: Json, path: string, allowed: readonly string[]): void {
    for (const key of Object.keys(object))
      if (!allowed.includes(key))
        this.fault((path ? `${path}.${key}` : key).slice(0, 200), `is unknown here; known are ${allowed.join(', ')}`);
  }

  private fault(field: string, message: string): void {
    // The limit bounds the size of the error for a rule set with very many faults.
    if (this.faults.length < 30 && !this.faults.some((fault) => fault.field === field && fault.message === message))
      this.faults.push({ field, message });
  }
}
