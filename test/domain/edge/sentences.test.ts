import { z } from 'zod';
import { parse } from '../../../src/domain/edge/parse';
import { submissionsSchema } from '../../../src/domain/leaderboards/schemas';
import { inputSchemas, objectsIn } from '../../support/inputSchemas';

const faultsOf = (schema: z.ZodType, input: unknown) => parse(schema, input).faults ?? [];

describe('a single submission is told what is wrong in its own words', () => {
  const single = { submissionId: 's-1', playerId: 'ada', score: 7 };
  const SCORE = `must be a whole number from -${Number.MAX_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`;
  it.each<[string, unknown, { field: string; message: string }[]]>([
    ['a fraction', { ...single, score: 1.5 }, [{ field: 'score', message: SCORE }]],
    ['a text', { ...single, score: '7' }, [{ field: 'score', message: SCORE }]],
    ['a number beyond a double', { ...single, score: 2 ** 60 }, [{ field: 'score', message: SCORE }]],
    ['no score', { submissionId: 's-1', playerId: 'ada' }, [{ field: 'score', message: `is missing; it ${SCORE}` }]],
    ['a score of null', { ...single, score: null }, [{ field: 'score', message: SCORE }]],
    ['a field of no submission', { ...single, points: 7 }, [{ field: '', message: 'has unknown fields: points' }]],
    [
      'a wrong one in a batch',
      { scores: [single, { ...single, score: 'x' }] },
      [{ field: 'scores[1].score', message: SCORE }],
    ],
    [
      'scores that are no list',
      { scores: 7 },
      [{ field: 'scores', message: 'must be a list of 1 to 100 submissions' }],
    ],
    ['no scores', { scores: [] }, [{ field: 'scores', message: 'must be a list of 1 to 100 submissions' }]],
    ['no object', [single], [{ field: '', message: 'must be a JSON object' }]],
  ])('%s', (_, input, faults) => {
    expect(faultsOf(submissionsSchema, input)).toEqual(faults);
  });

  it('nothing at all: its own fields are missing', () => {
    expect(faultsOf(submissionsSchema, {}).map(({ field }) => field)).toEqual(['submissionId', 'playerId', 'score']);
  });
});

it(
  'of a union the alternative is meant that knows the fields that were sent; where several are, the sentence for ' +
    'all stands',
  () => {
    const union = z.union(
      [z.strictObject({ quantity: z.int('must be whole') }), z.strictObject({ add: z.int('must be whole') })],
      'must be {"quantity": n} or {"add": n}',
    );
    expect(faultsOf(union, { quantity: 'x' })).toEqual([{ field: 'quantity', message: 'must be whole' }]);
    expect(faultsOf(union, { add: 1.5 })).toEqual([{ field: 'add', message: 'must be whole' }]);
    expect(faultsOf(union, {})).toEqual([{ field: '', message: 'must be {"quantity": n} or {"add": n}' }]);
    expect(faultsOf(union, 7)).toEqual([{ field: '', message: 'must be {"quantity": n} or {"add": n}' }]);
  },
);

/** Values of every kind and size; a field takes some of them, and must say what it takes to each of the others. */
const strangers: unknown[] = [
  null,
  true,
  7,
  -1,
  1.5,
  1e20,
  'x',
  '',
  'x'.repeat(5_000),
  'no id!',
  [],
  [7],
  {},
  { x: 1 },
];

it('every field of every input says what it takes to whatever it does not take, and that it is missing', async () => {
  const wrong: string[] = [];
  let checked = 0;
  for (const { name, schema } of await inputSchemas())
    for (const shape of objectsIn(schema))
      for (const [property, part] of Object.entries(shape))
        for (const value of [undefined, ...strangers]) {
          // The property alone, so that what else is missing does not matter.
          const faults = faultsOf(z.object({ [property]: part }), value === undefined ? {} : { [property]: value });
          for (const { field, message } of faults) {
            checked++;
            const says =
              value === undefined ? /^is missing/ : /^(must |has unknown fields: |is missing|would |is nested|cannot )/;
            if (
              !field.startsWith(property) ||
              !says.test(message) ||
              /Invalid|expected|received|undefined/.test(message)
            )
              wrong.push(`${name}.${property} given ${JSON.stringify(value)?.slice(0, 20)}: ${field} ${message}`);
          }
        }
  expect(wrong).toEqual([]);
  expect(checked).toBeGreaterThan(1_500);
});
