import fc from 'fast-check';
import { faultOfDepth, faultOfJson, FREE_JSON_DEPTH, MAX_DEPTH } from '../../../src/domain/edge/json';
import { faultOfText, NUMBER_RULE } from '../../../src/domain/edge/text';

const nested = (depth: number, by: (inner: unknown) => unknown = (inner) => [inner]): unknown =>
  Array.from({ length: depth }).reduce<unknown>(by, 1);

describe('what cannot be kept is named with its place', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['an unpaired surrogate', { a: [{ name: 'x\ud800' }] }, 'a[0].name', /well-formed Unicode/],
    ['a control character', { note: 'a\u0000b' }, 'note', /control characters/],
    ['a number that underflows', { a: { b: 1e-131 } }, 'a.b', /1e-130/],
    ['a number that overflows', [1, 1e126], '[1]', /9\.99e125/],
    ['infinity, as 1e999 is parsed', JSON.parse('{"a":1e999}'), 'a', /9\.99e125/],
    ['__proto__', JSON.parse('{"a":{"__proto__":1}}'), 'a.__proto__', /reserved/],
    ['constructor', { constructor: 1 }, 'constructor', /reserved/],
    ['prototype', { a: { prototype: 1 } }, 'a.prototype', /reserved/],
    ['an empty name', { a: { '': 1 } }, 'a.', /empty name/],
    ['an ill-formed name', { 'x\udfff': 1 }, 'x\ufffd', /well-formed/],
  ])('%s', (_, value, field, message) => {
    expect(faultOfJson(value)).toEqual({ field, message: expect.stringMatching(message) });
  });

  it('a value of so many levels is kept, of one more it is not', () => {
    expect(faultOfJson(nested(MAX_DEPTH))).toBeUndefined();
    expect(faultOfJson(nested(MAX_DEPTH + 1))).toEqual({
      field: '[0][0][0]',
      message: `is nested too deep: at most ${MAX_DEPTH} levels of objects and lists are allowed`,
    });
    expect(
      faultOfJson(
        nested(FREE_JSON_DEPTH + 1, (inner) => ({ a: inner })),
        FREE_JSON_DEPTH,
      ),
    ).toMatchObject({ field: 'a.a.a' });
  });

  it('a depth that would end the stack of a recursion is a fault like any other', () => {
    for (const depth of [3_000, 200_000]) expect(faultOfDepth(nested(depth))?.message).toMatch(/nested too deep/);
  });

  it('text of several lines may break them, text of one line may not', () => {
    expect([
      faultOfText('a\n\tb\r\n'),
      faultOfText('a\nb', 'line'),
      faultOfText('a\u2028b'),
      faultOfText('a\u2028b', 'line'),
    ]).toEqual([undefined, expect.anything(), undefined, expect.anything()]);
    expect([faultOfText('💳 Ада é', 'line'), faultOfText('', 'line')]).toEqual([undefined, undefined]);
  });

  it('numbers at the ends of the range, and negative zero, are kept', () => {
    for (const value of [0, -0, 1e-130, -1e-130, 9.99e125, -9.99e125, 1 / 3])
      expect(faultOfJson({ value })).toBeUndefined();
    for (const value of [5e-324, 1e-131, -1e126, Number.POSITIVE_INFINITY])
      expect(faultOfJson({ value })?.message).toBe(NUMBER_RULE);
  });
});

it('any JSON value is judged as a plain recursion judges it', () => {
  const judge = (value: unknown, depth: number): boolean => {
    if (typeof value === 'string') return faultOfText(value) === undefined;
    if (typeof value === 'number') return value === 0 || (Math.abs(value) >= 1e-130 && Math.abs(value) <= 9.99e125);
    if (typeof value !== 'object' || value === null) return true;
    if (depth > 6) return false;
    return Object.entries(value).every(
      ([name, inner]) =>
        (Array.isArray(value) ||
          (name !== '' &&
            !['__proto__', 'constructor', 'prototype'].includes(name) &&
            faultOfText(name, 'line') === undefined)) &&
        judge(inner, depth + 1),
    );
  };
  const strings = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom('__proto__', 'constructor', '\ud800', 'a\nb', ''),
  );
  fc.assert(
    fc.property(
      fc.anything({ values: [strings, fc.double(), fc.boolean(), fc.constant(null)], key: strings, maxDepth: 8 }),
      (made) => {
        const value = JSON.parse(JSON.stringify(made) ?? 'null') as unknown;
        expect(faultOfJson(value, 6) === undefined).toBe(judge(value, 1));
      },
    ),
    { numRuns: 500 },
  );
});
