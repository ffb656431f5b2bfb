import fc from 'fast-check';
import { isLongwatchError, type FieldFault } from '../../../src/domain/errors';
import { defaultRules } from '../../../src/domain/fraud/defaultRules';
import { outcomes } from '../../../src/domain/fraud/decision';
import { decide } from '../../../src/domain/fraud/decide';
import { extractFeatures, type Features } from '../../../src/domain/fraud/features';
import { emptyMerchantProfile } from '../../../src/domain/fraud/merchantProfile';
import { applyTransaction, emptyUserProfile } from '../../../src/domain/fraud/profile';
import { ruleFields, type RuleInput } from '../../../src/domain/fraud/ruleFields';
import { compileCondition, compileRuleSet } from '../../../src/domain/fraud/rules';
import { comparisons, type Condition, ruleSetLimits, type RuleSet } from '../../../src/domain/fraud/ruleSet';
import { validateRuleSet } from '../../../src/domain/fraud/ruleValidation';
import { arbitraryTransaction, transaction } from './arbitraryTransactions';

const rule = (when: unknown, over: object = {}): object => ({
  id: 'a-rule',
  when,
  outcome: 'review',
  reason: 'A_REASON',
  text: 'a sentence',
  ...over,
});
const ruleSet = (...rules: object[]): object => ({ bands: [], rules });

function faultsOf(input: unknown): readonly FieldFault[] {
  try {
    validateRuleSet(input);
  } catch (error) {
    if (!isLongwatchError(error)) throw error;
    expect(error.type).toBe('invalid');
    return error.detail.faults ?? [];
  }
  return [];
}
const fieldsOf = (input: unknown): string[] => faultsOf(input).map(({ field }) => field);

const numbers = [...ruleFields].filter(([, { type }]) => type === 'number').map(([name]) => name);
const flags = [...ruleFields].filter(([, { type }]) => type === 'flag').map(([name]) => name);
const strings = [...ruleFields].filter(([, { type }]) => type === 'string').map(([name]) => name);
/** Numbers that DynamoDB keeps: the others are refused where they come in. */
const someNumber = fc.oneof(
  fc.integer({ min: -5, max: 50 }),
  fc.double({ noNaN: true, min: -1e125, max: 1e125 }).filter((value) => value === 0 || Math.abs(value) >= 1e-130),
);
const someString = fc.constantFrom('EUR', 'JPY', 'shop-1', 'ada', 'card_present', 'DE');

const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ field: fc.constantFrom(...numbers), is: fc.constantFrom(...comparisons), value: someNumber }),
  fc.record({
    field: fc.constantFrom(...flags),
    is: fc.constantFrom('==' as const, '!=' as const),
    value: fc.boolean(),
  }),
  fc.record({
    field: fc.constantFrom(...strings),
    is: fc.constantFrom('==' as const, '!=' as const),
    value: someString,
  }),
  fc.record({ field: fc.constantFrom(...numbers), in: fc.array(someNumber, { maxLength: 4 }) }),
  fc.record({ field: fc.constantFrom(...strings), in: fc.array(someString, { maxLength: 4 }) }),
  fc
    .tuple(fc.constantFrom(...numbers), someNumber, someNumber)
    .map(([field, a, b]) => ({ field, between: [Math.min(a, b), Math.max(a, b)] as const })),
);
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.record({ all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie('condition') }),
  ),
}));

const arbitraryInput: fc.Arbitrary<RuleInput> = fc
  .tuple(
    arbitraryTransaction,
    fc.array(arbitraryTransaction, { maxLength: 6 }),
    fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
  )
  .map(([now, past, score]) => ({
    transaction: now,
    features: extractFeatures(now, past.reduce(applyTransaction, emptyUserProfile()), emptyMerchantProfile()),
    score,
  }));

/** The language read aloud, one sentence a form, without closures. */
function means(when: Condition, input: RuleInput): boolean {
  if ('all' in when) return when.all.filter((part) => !means(part, input)).length === 0;
  if ('any' in when) return when.any.filter((part) => means(part, input)).length > 0;
  if ('not' in when) return !means(when.not, input);
  const value = ruleFields.get(when.field)!.read(input);
  if (value === undefined) return false;
  const plain = (other: unknown) => (other === true ? 1 : other === false ? 0 : other);
  if ('between' in when) return Number(value) >= when.between[0] && Number(value) <= when.between[1];
  if ('in' in when) return when.in.some((other) => plain(other) === value);
  const order = value === plain(when.value) ? 0 : Number(value) < Number(plain(when.value)) ? -1 : 1;
  return { '==': order === 0, '!=': order !== 0, '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[
    when.is
  ];
}

describe('conditions', () => {
  it('compiled mean what they say', () => {
    fc.assert(
      fc.property(condition, arbitraryInput, (when, input) => compileCondition(when)(input) === means(when, input)),
      { numRuns: 500 },
    );
  });

  it('are false where the value is missing, so that "not" is the only way to ask for that', () => {
    const input: RuleInput = { transaction: transaction(), features: {} as Features, score: null };
    for (const is of comparisons) expect(compileCondition({ field: 'score', is, value: 0 })(input)).toBe(false);
    expect(compileCondition({ field: 'score', between: [0, 1] })(input)).toBe(false);
    expect(compileCondition({ not: { field: 'score', is: '>=', value: 0 } })(input)).toBe(true);
  });

  it('take true and false for flags, which are 1 and 0', () => {
    const input = { transaction: transaction(), features: { newDevice: 1 } as Features, score: null };
    expect(compileCondition({ field: 'newDevice', is: '==', value: true })(input)).toBe(true);
    expect(compileCondition({ field: 'newDevice', in: [true] })(input)).toBe(true);
    expect(compileCondition({ field: 'newDevice', is: '==', value: false })(input)).toBe(false);
  });
});

describe('validation', () => {
  it('takes what ships', () => {
    expect(validateRuleSet(defaultRules)).toBe(defaultRules);
  });

  it('takes every condition of the language, and what it takes can be stored and compiled', () => {
    fc.assert(
      fc.property(condition, (when) => {
        const stored = JSON.parse(JSON.stringify(ruleSet(rule(when)))) as RuleSet;
        expect(faultsOf(stored)).toEqual([]);
        expect(() => compileRuleSet(validateRuleSet(stored), 1)).not.toThrow();
      }),
      { numRuns: 200 },
    );
  });

  it('answers any JSON with faults or takes it; it never throws anything else', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record({ bands: fc.jsonValue(), rules: fc.array(fc.jsonValue()) }),
          fc.jsonValue().map((when) => ruleSet(rule(when))),
        ),
        (input) => {
          faultsOf(input);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    [
      'a field that is not known',
      rule({ field: 'amuont', is: '>', value: 1 }),
      'rules[0].when.field',
      'did you mean "amount"?',
    ],
    [
      'a string where a number belongs',
      rule({ field: 'amount', is: '>', value: '1' }),
      'rules[0].when.value',
      'must be a number',
    ],
    [
      'an order of strings',
      rule({ field: 'transaction.currency', is: '<', value: 'EUR' }),
      'rules[0].when.is',
      'must be "==" or "!="',
    ],
    ['an unknown comparison', rule({ field: 'amount', is: '=>', value: 1 }), 'rules[0].when.is', 'must be one of'],
    ['an empty range', rule({ field: 'amount', between: [2, 1] }), 'rules[0].when.between', 'must not be empty'],
    [
      'a range without an end',
      rule({ field: 'amount', between: [0, JSON.parse('1e999')] }),
      'rules[0].when.between',
      'two numbers',
    ],
    [
      'a number without an end',
      rule({ field: 'amount', is: '<', value: JSON.parse('1e999') }),
      'rules[0].when.value',
      'must be a number',
    ],
    ['an empty group', rule({ all: [] }), 'rules[0].when.all', 'at least one condition'],
    [
      'a key too many',
      rule({ not: { field: 'amount', is: '>', value: 1 }, why: 1 }),
      'rules[0].when.why',
      'is unknown here',
    ],
    [
      'an outcome that is none',
      rule({ field: 'amount', is: '>', value: 1 }, { outcome: 'deny' }),
      'rules[0].outcome',
      'must be one of',
    ],
    [
      'a reason in another case',
      rule({ field: 'amount', is: '>', value: 1 }, { reason: 'because' }),
      'rules[0].reason',
      'UPPER_SNAKE_CASE',
    ],
  ])('names the place and the mend of %s', (_, bad, field, message) => {
    const faults = faultsOf(ruleSet(bad));
    expect(faults.map((fault) => fault.field)).toEqual([field]);
    expect(faults[0]?.message).toContain(message);
  });

  it('refuses two rules of one id, and bands that fall where they should rise', () => {
    const when = { field: 'amount', is: '>', value: 1 };
    expect(fieldsOf(ruleSet(rule(when), rule(when)))).toEqual(['rules[1].id']);
    expect(
      fieldsOf({
        bands: [
          { outcome: 'block', from: 0.3 },
          { outcome: 'alert', from: 0.5 },
        ],
        rules: [],
      }),
    ).toEqual(['bands']);
    expect(
      fieldsOf({
        bands: [
          { outcome: 'alert', from: 0.5 },
          { outcome: 'alert', from: 0.6 },
        ],
        rules: [],
      }),
    ).toContain('bands[1].outcome');
    expect(fieldsOf({ bands: [{ outcome: 'block', from: 1.1 }], rules: [] })).toEqual(['bands[0].from']);
  });

  it('is quick and bounded on documents made to hurt', () => {
    const deep = JSON.parse(`${'{"not":'.repeat(20_000)}{}${'}'.repeat(20_000)}`) as unknown;
    expect(faultsOf(ruleSet(rule(deep)))[0]?.message).toContain('nested deeper');
    const deepList = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as unknown;
    expect(faultsOf(ruleSet(rule({ field: 'amount', is: '>', value: deepList })))[0]?.message).toContain(
      'found a list',
    );
    const longName = faultsOf(ruleSet(rule({ field: 'x'.repeat(400_000), is: '>', value: 1 })));
    expect(longName[0]?.message.length).toBeLessThan(200);
    const many = {
      any: Array.from({ length: ruleSetLimits.listed }, () => ({
        all: Array.from({ length: 10 }, () => ({ field: 'amount', is: '>', value: 1 })),
      })),
    };
    expect(faultsOf(ruleSet(rule(many)))[0]?.message).toContain('one condition too many');
    expect(faultsOf(Array.from({ length: 10_000 }, () => 1)).length).toBeLessThanOrEqual(30);
  });

  it('refuses a set that would not fit into one item', () => {
    const big = {
      field: 'transaction.userId',
      in: Array.from({ length: ruleSetLimits.listed }, (_, i) => `${i}-${'u'.repeat(100)}`),
    };
    const rules = Array.from({ length: 20 }, (_, i) => rule(big, { id: `rule-${i}` }));
    expect(faultsOf(ruleSet(...rules))[0]?.message).toContain('at most 350 KiB');
    expect(faultsOf(ruleSet(...rules.slice(0, 10)))).toEqual([]);
  });
});

describe('a decision', () => {
  const sets = fc
    .tuple(
      fc.array(fc.tuple(condition, fc.constantFrom(...outcomes), fc.boolean(), fc.boolean()), { maxLength: 5 }),
      fc.uniqueArray(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
    )
    .map(([rules, from]): RuleSet => ({
      bands: [...from]
        .sort((a, b) => a - b)
        .map((at, i) => ({ outcome: (['alert', 'review', 'block'] as const)[i]!, from: at })),
      rules: rules.map(([when, outcome, enabled, shadow], i) => ({
        id: `rule-${i}`,
        when,
        outcome,
        reason: `R_${i}`,
        text: 'x',
        enabled,
        shadow,
      })),
    }));
  const severity = (outcome: string) => outcomes.indexOf(outcome as never);

  it('is the most severe of the band, the rules that hit and the hold; each has its reason, the decisive first', () => {
    fc.assert(
      fc.property(sets, arbitraryInput, fc.boolean(), (set, input, held) => {
        const verdict = decide({
          ...input,
          now: 1_000,
          ...(held && { heldUntil: 1_001 }),
          rules: compileRuleSet(set, 1),
        });
        const hit = set.rules.filter((one) => one.enabled && means(one.when, input));
        const band = input.score === null ? undefined : set.bands.findLast(({ from }) => input.score! >= from)?.outcome;
        const all = [
          'approve',
          ...hit.filter((one) => !one.shadow).map((one) => one.outcome),
          ...(held ? ['review'] : []),
          ...(band ? [band] : []),
        ];
        expect(verdict.outcome).toBe(outcomes[Math.max(...all.map(severity))]);
        expect(verdict.shadowHits).toEqual(hit.filter((one) => one.shadow).map((one) => one.id));
        expect(verdict.reasons.map(({ outcome }) => severity(outcome!))).toEqual(
          verdict.reasons.map(({ outcome }) => severity(outcome!)).sort((a, b) => b - a),
        );
        expect(verdict.reasons).toHaveLength(all.length - 1);
      }),
      { numRuns: 500 },
    );
  });

  it('never gets milder when a rule that decides is added', () => {
    fc.assert(
      fc.property(sets, condition, fc.constantFrom(...outcomes), arbitraryInput, (set, when, outcome, input) => {
        const wider = { ...set, rules: [...set.rules, { id: 'one-more', when, outcome, reason: 'MORE', text: 'x' }] };
        const decided = (rules: RuleSet) =>
          severity(decide({ ...input, now: 0, rules: compileRuleSet(rules, 1) }).outcome);
        expect(decided(wider)).toBeGreaterThanOrEqual(decided(set));
      }),
    );
  });

  it('forgets a hold that is over', () => {
    const rules = compileRuleSet({ bands: [], rules: [] }, 1);
    const input = { transaction: transaction(), features: {} as Features, score: null, rules, heldUntil: 1_000 };
    expect(decide({ ...input, now: 999 })).toMatchObject({
      outcome: 'review',
      reasons: [{ code: 'USER_HELD', source: 'hold' }],
    });
    expect(decide({ ...input, now: 1_000 })).toMatchObject({ outcome: 'approve', reasons: [] });
  });
});
