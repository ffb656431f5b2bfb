import fc, { type Arbitrary } from 'fast-check';

/** JSON Schema, as far as the OpenAPI document uses it. */
export interface Schema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  items?: Schema;
  prefixItems?: Schema[];
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

/** What a schema cannot say, by the property's name: instants that are not long ago, names of things that are there. */
export type Hints = Readonly<Record<string, Arbitrary<unknown>>>;

/** Names that a program may trip over. */
const treacherous = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  'length',
  '$where',
  '',
  ' ',
  'a'.repeat(200),
  'ключ',
  '💳',
  'null',
  'a.b',
  'a[b]',
  '\u0000',
];

const treacherousTexts = [
  '',
  ' ',
  '\u0000',
  '\u202e',
  '💳'.repeat(50),
  'é'.normalize('NFD'),
  '\ud800',
  'a'.repeat(10_000),
  'NaN',
  'null',
  '-0',
  '1e400',
  '0x10',
  '2026-13-45T99:99:99Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '2026-01-01T00:00:00+99:99',
  "' OR 1=1 --",
  '<script>alert(1)</script>',
  '${jndi:ldap://x}',
  '{{7*7}}',
  '../../etc/passwd',
  '#',
  'a#b',
  'a/b',
  '%',
  '%00',
  '\r\nx: y',
  'WorkflowId = "x"',
  '4111111111111111',
];

const hugeNumbers = [
  1e-131,
  1e126,
  0,
  -0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 53),
  1e21,
  1e100,
  1e101,
  1.7976931348623157e308,
  -1.7976931348623157e308,
  5e-324,
];

/** Anything that JSON can say, with a taste for what breaks programs. */
export const hostile: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...treacherousTexts),
  fc.constantFrom<unknown>(...hugeNumbers),
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], [{}]),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.jsonValue({ maxDepth: 3 }),
  fc
    .tuple(fc.constantFrom(...treacherous), fc.jsonValue({ maxDepth: 1 }))
    .map(([name, value]) => JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`) as unknown),
  fc.integer({ min: 50, max: 2_000 }).map((depth) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as unknown),
  fc
    .integer({ min: 50, max: 400 })
    .map((depth) => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`) as unknown),
  fc.integer({ min: 100, max: 3_000 }).map((many) => Array.from({ length: many }, (_, i) => i)),
);

const text = ({ minLength = 0, maxLength = 60, pattern, format }: Schema): Arbitrary<unknown> => {
  if (format === 'uri') return fc.webUrl().filter((url) => url.length <= (maxLength ?? 2_000));
  // fast-check makes strings of what a pattern takes in; what it leaves out is filtered.
  if (pattern !== undefined && format !== 'date-time')
    return fc
      .stringMatching(new RegExp(pattern.replace(/\(\?![^)]*\)/g, '')))
      .filter((made) => new RegExp(pattern).test(made));
  if (format === 'date-time')
    return fc
      .date({ min: new Date('1990-01-01T00:00:00Z'), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true })
      .map((date) => date.toISOString());
  return fc
    .string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, minLength + 60) })
    .filter(({ length }) => length <= maxLength);
};

const number = (schema: Schema): Arbitrary<unknown> => {
  const min =
    schema.minimum ?? (schema.exclusiveMinimum !== undefined ? schema.exclusiveMinimum + 1 : Number.MIN_SAFE_INTEGER);
  const max =
    schema.maximum ?? (schema.exclusiveMaximum !== undefined ? schema.exclusiveMaximum - 1 : Number.MAX_SAFE_INTEGER);
  const small = fc.integer({ min: Math.max(min, -5), max: Math.max(Math.min(max, 50), Math.max(min, -5)) });
  if (schema.type === 'integer')
    return fc.oneof(
      { weight: 3, arbitrary: small },
      fc.maxSafeInteger().map((value) => Math.min(max, Math.max(min, value))),
      fc.constantFrom(min, max),
    );
  return fc.oneof(small, fc.double({ min, max, noNaN: true }));
};

const record = (schema: Schema, hints: Hints): Arbitrary<unknown> => {
  const { properties = {}, required = [], additionalProperties, propertyNames } = schema;
  const known = fc.record(
    Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [
        name,
        hints[name] && property.type !== 'object' && property.type !== 'array'
          ? fc.oneof({ weight: 5, arbitrary: hints[name] }, valid(property, hints))
          : valid(property, hints),
      ]),
    ),
    { requiredKeys: required },
  );
  if (typeof additionalProperties !== 'object') return known;
  const names = propertyNames
    ? (valid(propertyNames, hints) as Arbitrary<string>)
    : fc.string({ minLength: 1, maxLength: 20 });
  return fc
    .tuple(known, fc.dictionary(names, valid(additionalProperties, hints), { maxKeys: 4 }))
    .map(([a, b]) => ({ ...b, ...a }));
};

/** What a schema allows. */
export function valid(schema: Schema, hints: Hints = {}): Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choice = schema.anyOf ?? schema.oneOf;
  if (choice) return fc.oneof(...choice.map((one) => valid(one, hints)));
  switch (schema.type) {
    case 'string':
      return text(schema);
    case 'integer':
    case 'number':
      return number(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(valid(schema.items ?? {}, hints), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 4, (schema.minItems ?? 0) + 4),
      });
    case 'object':
      return record(schema, hints);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

/** Valid but for one place: something missing, something more, or something else there. */
export function nearly(schema: Schema, hints: Hints = {}): Arbitrary<unknown> {
  return fc
    .tuple(
      valid(schema, hints),
      fc.nat(),
      fc.constantFrom<'drop' | 'add' | 'replace'>('drop', 'add', 'replace'),
      hostile,
      fc.constantFrom(...treacherous),
    )
    .map(([value, where, how, other, name]) => {
      const places = placesIn(value);
      const place = places[where % places.length];
      if (place === undefined) return other;
      const [parent, key] = place;
      if (how === 'drop' && !Array.isArray(parent)) delete parent[key];
      else if (how === 'add' && !Array.isArray(parent))
        Object.defineProperty(parent, name, { value: other, enumerable: true, configurable: true, writable: true });
      else Object.defineProperty(parent, key, { value: other, enumerable: true, configurable: true, writable: true });
      return value;
    });
}

function placesIn(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]): [Record<string, unknown>, string][] => [
    [value as Record<string, unknown>, key],
    ...placesIn(inner),
  ]);
}
