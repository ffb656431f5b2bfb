import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { parse } from '../../../src/domain/edge/parse';
import { textUses } from '../../../src/domain/edge/schemas';
import { inputSchemas, type Leaf, leavesOf } from '../../support/inputSchemas';

/**
 * What a list of readings holds is passed to `parse` one by one; rule sets are checked by `validateRuleSet`, which is
 * tested below and in rules.test.ts.
 */
const checkedElsewhere = new Set(['postReadings body.readings[]', 'putRules body', 'putShadow body.ruleSet']);

let leaves: Leaf[];
beforeAll(async () => {
  leaves = (await inputSchemas()).flatMap(({ name, schema }) => leavesOf(schema, name));
});

const takes = (schema: z.ZodType, value: unknown): boolean => parse(schema, value).faults === undefined;
/** Whether a schema keeps a character in a text. One that trims texts keeps none at their ends. */
const keeps = (schema: z.ZodType, character: string): boolean =>
  around(character).some((text) => String(parse(schema, text).value).includes(character));
/**
 * Of lengths, and with surroundings, that schemas of ids, names, instants and notes take; with what they must not take
 * inside.
 */
const around = (hostile: string): string[] =>
  ['a', 'aaaaaaaaaaaa', 'EUR', 'Europe/Berlin', '2026-01-01T00:00:00Z', 'http://a.test/']
    .flatMap((text) => [text + hostile, hostile + text, text[0] + hostile + text.slice(1)])
    .concat(hostile);

it('finds the inputs of the whole API', () => {
  expect(leaves.filter(({ type }) => type === 'string').length).toBeGreaterThan(100);
  expect(leaves.filter(({ type }) => type === 'number').length).toBeGreaterThan(30);
  expect(leaves.filter(({ type }) => type === 'record').length).toBeGreaterThan(3);
});

it('no string schema takes text that DynamoDB refuses, or a control character', () => {
  const wrong = leaves.filter(
    ({ type, schema }) =>
      type === 'string' &&
      ['\ud800', '\udc00', '\u0000', '\u0007', '\u001b', '\u007f', '\u0085'].some((character) =>
        keeps(schema, character),
      ),
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

it('no string schema takes a line break, unless it says that it is a text of several lines', () => {
  const strings = leaves.filter(({ type }) => type === 'string');
  const wrong = strings.filter(
    ({ schema }) =>
      textUses.get(schema)?.use !== 'lines' &&
      ['\n', '\r', '\t', '\u2028'].some((character) => keeps(schema, character)),
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
  // And those that say so do.
  const several = strings.filter(({ schema }) => textUses.get(schema)?.use === 'lines');
  expect(several.map(({ path }) => path).sort()).toEqual([
    'banPlayer body.reason',
    'createPost body.text',
    'decideInvestigation body.note',
    'editPost body.text',
    'noteInvestigation body.text',
  ]);
  for (const { path, schema } of several) expect([path, takes(schema, 'two\nlines')]).toEqual([path, true]);
});

it('no number schema takes what DynamoDB refuses, be it sent as a number or as a text', () => {
  const wrong = leaves.filter(({ type, schema }) => {
    if (type !== 'number') return false;
    return [5e-324, 1e-131, -1e-131, 1e126, -1e126, Number.POSITIVE_INFINITY, Number.NaN].some(
      (value) => takes(schema, value) || takes(schema, String(value)),
    );
  });
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

it('no schema with free names takes a reserved or an empty one; it refuses and does not drop them', () => {
  for (const { path, schema } of leaves.filter(({ type }) => type === 'record'))
    for (const name of ['__proto__', 'constructor', 'prototype', '', 'a\ud800', 'a\nb'])
      expect([path, name, parse(schema, JSON.parse(`{${JSON.stringify(name)}:1}`)).faults?.[0]?.message]).toEqual([
        path,
        name,
        expect.stringMatching(/reserved|empty|Unicode/),
      ]);
});

it('no id is a reserved name', () => {
  const wrong = leaves.filter(
    ({ path, type, schema }) =>
      type === 'string' &&
      !path.includes('DeadLetter') &&
      /Id$|\.id$|players\[\]|groups\[\]/.test(path) &&
      ['__proto__', 'constructor', 'prototype'].some((name) => takes(schema, name)),
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

it('free JSON is bounded in depth, and in what it holds', () => {
  const free = leaves.filter(({ path, type }) => (type === 'unknown' || type === 'any') && !checkedElsewhere.has(path));
  expect(free.map(({ path }) => path)).toEqual(['openSession body.data{}', 'changeSession body.data{}']);
  for (const { path, schema } of leaves.filter((leaf) => leaf.path.endsWith('Session body.data')))
    for (const hostile of [
      '\ud800',
      '\u0000',
      1e-200,
      [JSON.parse('{"__proto__":1}')],
      { a: { '': 1 } },
      JSON.parse(`${'['.repeat(29)}${']'.repeat(29)}`),
    ])
      expect([path, hostile, takes(schema, { a: hostile })]).toEqual([path, hostile, false]);
});

it('nothing validates an input but `parse`', () => {
  const src = join(__dirname, '../../../src');
  const files = (readdirSync(src, { recursive: true }) as string[]).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('local/'),
  );
  const validating = files.filter((file) =>
    /\.(safeParse|safeParseAsync|parseAsync)\(|[sS]chema\.parse\(/.test(readFileSync(join(src, file), 'utf8')),
  );
  // The environment is no input of callers; it cannot hold a NUL, and Node decodes it as UTF-8.
  expect(validating.sort()).toEqual(['config/index.ts', 'domain/edge/parse.ts']);
});
