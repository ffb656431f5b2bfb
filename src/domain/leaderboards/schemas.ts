import { z } from 'zod';
import { isTimeZone } from '../timeZones';
import { idOf, line, lineOf, shapeRule, wholeOf } from '../edge/schemas';
import { type BoardDefinition, operators, type Submission } from './board';
import { orders } from './ranking';
import { faultOfRecurrence } from './seasons';

/** Maximum magnitude of a score: the integers that a double represents exactly. */
export const MAX_SCORE = Number.MAX_SAFE_INTEGER;
/** Maximum number of submissions in a request. */
export const MAX_BATCH = 100;
const BATCH_RULE = `must be a list of 1 to ${MAX_BATCH} submissions`;
const MAX_SHARDS = 64;

const score = wholeOf(-MAX_SCORE, MAX_SCORE);
const INSTANT = 'must be ISO 8601 with an offset ("2026-01-31T12:00:00Z")';
/** Accepts ISO 8601 with an offset; the parsed value is epoch ms. */
export const instantSchema = z.iso.datetime({ offset: true, error: INSTANT }).transform((value) => Date.parse(value));

const submissionSchema = z.strictObject(
  {
    submissionId: idOf('the submission'),
    playerId: idOf('the player'),
    score,
    // Limited so that sums of subscores also stay exact.
    subscore: wholeOf(-1_000_000_000, 1_000_000_000).default(0),
    name: lineOf(1, 64).optional(),
    country: line('must be a country code')
      .regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 code, upper case ("DE")')
      .optional(),
    at: instantSchema.optional(),
  },
  { error: shapeRule('must be a JSON object') },
);

const batchSchema = z.strictObject(
  { scores: z.array(submissionSchema, BATCH_RULE).min(1, BATCH_RULE).max(MAX_BATCH, BATCH_RULE) },
  { error: shapeRule('must be a JSON object') },
);

/** One submission, or `{scores: […]}`. The faults of a single one name its own fields, without `scores[0]`. */
export const submissionsSchema = z.union([
  submissionSchema.transform((one) => ({ scores: [one] })),
  batchSchema,
]) as unknown as z.ZodType<{ scores: Submission[] }>;

const rank = wholeOf(1, 1_000_000_000);
const PERCENT = 'must be over 0 and at most 100';
const rewardSchema = z.union(
  [
    z
      .strictObject({ reward: idOf('the reward'), fromRank: rank, toRank: rank })
      .refine(({ fromRank, toRank }) => fromRank <= toRank, {
        path: ['toRank'],
        message: 'must not be before fromRank',
      }),
    z.strictObject({ reward: idOf('the reward'), topPercent: z.number(PERCENT).positive(PERCENT).max(100, PERCENT) }),
  ],
  'must be {reward, fromRank, toRank} or {reward, topPercent} with topPercent over 0 and at most 100',
);

const seasonsSchema = z
  .strictObject(
    {
      startsAt: instantSchema.optional(),
      endsAt: instantSchema.optional(),
      recurrence: lineOf(1, 100).optional(),
      timeZone: line('must be an IANA time zone ("Europe/Berlin")')
        .refine(isTimeZone, 'must be an IANA time zone ("Europe/Berlin")')
        .default('UTC'),
      graceSeconds: wholeOf(0, 86_400).default(0),
    },
    { error: shapeRule('must be an object {startsAt, endsAt, recurrence, timeZone, graceSeconds}') },
  )
  .superRefine(({ startsAt, endsAt, recurrence, timeZone }, context) => {
    const fault =
      recurrence !== undefined && isTimeZone(timeZone) ? faultOfRecurrence(recurrence, timeZone) : undefined;
    if (fault !== undefined) context.addIssue({ code: 'custom', path: ['recurrence'], message: fault });
    if (recurrence === undefined && endsAt === undefined)
      context.addIssue({
        code: 'custom',
        path: [],
        message: 'must have a recurrence, an end, or both; leave seasons out for a board that never ends',
      });
    if (startsAt !== undefined && endsAt !== undefined && endsAt <= startsAt)
      context.addIssue({ code: 'custom', path: ['endsAt'], message: 'must be after startsAt' });
  })
  .transform(({ graceSeconds, ...plan }) => ({ ...plan, graceMs: graceSeconds * 1_000 }));

const limitsSchema = z
  .strictObject(
    { minScore: score.optional(), maxScore: score.optional(), maxChange: score.positive('must be over 0').optional() },
    { error: shapeRule('must be an object {minScore, maxScore, maxChange}') },
  )
  .refine(({ minScore = -MAX_SCORE, maxScore = MAX_SCORE }) => minScore <= maxScore, {
    path: ['maxScore'],
    message: 'must not be below minScore',
  });

/** The schema of a board in `PUT /v1/boards/:gameId`. */
export const boardSchema = z.strictObject(
  {
    operator: z.enum(operators, `must be one of ${operators.join(', ')}`),
    order: z.enum(orders, `must be one of ${orders.join(', ')}`).default('descending'),
    subscore: z.boolean().default(false),
    shards: wholeOf(1, MAX_SHARDS).default(1),
    limits: limitsSchema.default({}),
    seasons: seasonsSchema.optional(),
    rewards: z.array(rewardSchema).max(50, 'must be at most 50').default([]),
  },
  { error: shapeRule('must be a JSON object') },
) as unknown as z.ZodType<BoardDefinition>;
