import fc from 'fast-check';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import {
  anything,
  bytes,
  composite,
  flag,
  instant,
  itemType,
  json,
  list,
  map,
  mapping,
  number,
  optional,
  orElse,
  text,
} from '../../src/stores/items';
import { stringKey } from '../../src/stores/tableSpec';

const tables = { Things: { partitionKey: stringKey('ThingID'), sortKey: stringKey('Entry') } };
const things = itemType(tables, 'Things', {
  id: text('ThingID'),
  status: text<'on' | 'off'>('Status'),
  count: number('Count'),
  isNew: orElse(flag('IsNew'), false),
  raw: bytes('Raw'),
  lines: list<string>('Lines'),
  shape: map<{ X: number }>('Shape'),
  named: mapping<number>('Named'),
  at: instant('At'),
  rule: json<{ a: number }>('Rule'),
  place: composite('Place'),
  entry: text('Entry'),
  hours: anything<{ from: number } | null>('Hours'),
  note: optional(text('Note')),
});
const at = Date.parse('2026-10-01T12:00:00.000Z');
const thing = {
  id: 't-1',
  status: 'on' as const,
  count: 3,
  isNew: true,
  raw: Uint8Array.of(1, 2),
  lines: ['a'],
  shape: { X: 1 },
  named: new Map([['constructor', 1]]),
  at,
  rule: { a: 1 },
  place: ['shard-0', '17'],
  entry: 'ban',
  hours: null,
  note: 'n',
};
/** As the document client stores it and gives it back. */
const stored = (item: Record<string, unknown>) => unmarshall(marshall(item, { removeUndefinedValues: true }));

test('a value that is written reads as the same value, under the declared names', () => {
  const item = stored(things.write(thing));
  expect(Object.keys(item)).toEqual(things.attributes);
  expect(item).toMatchObject({
    At: '2026-10-01T12:00:00.000Z',
    Rule: '{"a":1}',
    Place: 'shard-0#17',
    Entry: 'ban',
  });
  expect(things.read(item)).toEqual(thing);
});

test('an optional attribute may be absent, and one with a fallback reads as that', () => {
  const { Note: _, IsNew: __, ...item } = stored(things.write(thing));
  const { note: ___, ...rest } = thing;
  const read = things.read(item);
  expect(read).toEqual({ ...rest, isNew: false });
  expect('note' in read).toBe(false);
  expect('Note' in things.write({ ...thing, note: undefined })).toBe(false);
});

test('attributes that the type does not name are neither read nor written', () => {
  const item = { ...stored(things.write(thing)), OfALaterRelease: 1 };
  expect(things.read(item)).toEqual(thing);
  expect(things.write({ ...thing, other: 1 } as typeof thing)).not.toHaveProperty('other');
  expect(things.write(thing, { Key: 'k' })).toMatchObject({ Key: 'k', ThingID: 't-1' });
});

test.each(things.attributes.filter((name) => !['Note', 'IsNew', 'ThingID', 'Entry'].includes(name)))(
  'an error names table, key and attribute where %s is missing or of another type',
  (name) => {
    const { [name]: _, ...without } = stored(things.write(thing));
    expect(() => things.read(without)).toThrow(
      `The item of Things with ThingID "t-1", Entry "ban" has no ${name}; expected: `,
    );
    if (name === 'Hours') return;
    expect(() => things.read({ ...without, [name]: null })).toThrow(
      `The item of Things with ThingID "t-1", Entry "ban" has another type in ${name}; expected: `,
    );
  },
);

test.each([
  ['At', 'yesterday'],
  ['Rule', '{'],
])('a malformed %s is an error that retrying does not mend', (name, value) => {
  expect(() => things.read({ ...stored(things.write(thing)), [name]: value })).toThrow(TypeError);
});

test('what is picked is read alone', () => {
  const some = things.pick('id', 'count');
  expect(some.attributes).toEqual(['ThingID', 'Count']);
  expect(some.read({ ThingID: 't', Count: 1 })).toEqual({ id: 't', count: 1 });
});

test('any text, number, instant and JSON reads as it was written', () => {
  const kinds = itemType(tables, 'Things', {
    a: text('A'),
    b: number('B'),
    c: instant('C'),
    d: json<unknown>('D'),
  });
  const value = fc.record({
    a: fc.string({ unit: 'grapheme' }),
    b: fc.integer(),
    c: fc.integer({ min: 0, max: 4_102_444_800_000 }),
    d: fc.jsonValue().filter((one) => one !== undefined),
  });
  fc.assert(
    fc.property(value, (one) => {
      const sent = JSON.parse(JSON.stringify(one)) as typeof one;
      expect(kinds.read(stored(kinds.write(sent)))).toEqual(sent);
    }),
  );
});
