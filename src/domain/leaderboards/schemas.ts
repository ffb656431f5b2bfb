import { z } from 'zod';
import { ID_PATTERN, ID_RULE } from '../ids';
import { type BoardDefinition, operators, type Submission } from './board';
import { orders } from './ranking';
import { faultOfRecurrence, isTimeZone } from './seasons';

/** Scores stay whole numbers that a double holds exactly. */
export const MAX_SCORE = Number.MAX_SAFE_INTEGER;
export const MAX_BATCH = 100;
const MAX_SHARDS = 64;

const refuseUnknown = (what: string) => (issue: { code?: string; keys?: string[] }) =>
  issue.code === 'unrecognized_keys' ? `has unknown fields: ${(issue.keys ?? []).join(', ')}` : what;

const id = (what: string) => z.string(`must be a string: ${what}`).regex(ID_PATTERN, ID_RULE);
const SCORE = 'must be an integer that a double holds exactly';
const score = z.int(SCORE);
const SUBSCORE = 'must be an integer of at most a billion';
const INSTANT = 'must be ISO 8601 with an offset ("2026-01-31T12:00:00Z")';
export const instantSchema = z.iso.datetime({ offset: true, error: INSTANT }).transform((value) => Date.parse(value));

const submissionSchema = z.strictObject(
  {
    submissionId: id('the game’s id of the submission'),
    playerId: id('the player'),
    score,
    // So that sums of them stay whole numbers, too.
    subscore: z.int(SUBSCORE).min(-1_000_000_000, SUBSCORE).max(1_000_000_000, SUBSCORE).default(0),
    name: z.string('must be a string').min(1, 'must be 1 to 64 characters').max(64, 'must be 1 to 64 characters').optional(),
    country: z.string('must be a country code').regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 code, upper case ("DE")').optional(),
    at: instantSchema.optional(),
  },
  { error: refuseUnknown('must be a JSON object') },
);

/** One submission, or `{scores: […]}`. */
export const submissionsSchema = z.preprocess(
  (body) => (typeof body === 'object' && body !== null && !('scores' in body) ? { scores: [body] } : body),
  z.strictObject({ scores: z.array(submissionSchema).min(1, 'must hold 1 to 100 submissions').max(MAX_BATCH, 'must hold 1 to 100 submissions') }, { error: refuseUnknown('must be a JSON object') }),
) as unknown as z.ZodType<{ scores: Submission[] }>;

const rank = z.int('must be a rank, from 1 on').positive('must be a rank, from 1 on');
const rewardSchema = z.union(
  [
    z.strictObject({ reward: id('what is won'), fromRank: rank, toRank: rank }).refine(({ fromRank, toRank }) => fromRank <= toRank, { path: ['toRank'], message: 'must not be before fromRank' }),
    z.strictObject({ reward: id('what is won'), topPercent: z.number().positive().max(100) }),
  ],
  'must be {reward, fromRank, toRank} or {reward, topPercent} with topPercent over 0 and at most 100',
);

const seasonsSchema = z
  .strictObject(
    {
      startsAt: instantSchema.optional(),
      endsAt: instantSchema.optional(),
      recurrence: z.string().max(100).optional(),
      timeZone: z.string().refine(isTimeZone, 'must be an IANA time zone ("Europe/Berlin")').default('UTC'),
      graceSeconds: z.int().min(0).max(86_400, 'must be at most a day: 86400').default(0),
    },
    { error: refuseUnknown('must be an object {startsAt, endsAt, recurrence, timeZone, graceSeconds}') },
  )
  .superRefine(({ startsAt, endsAt, recurrence, timeZone }, context) => {
    const fault = recurrence !== undefined && isTimeZone(timeZone) ? faultOfRecurrence(recurrence, timeZone) : undefined;
    if (fault !== undefined) context.addIssue({ code: 'custom', path: ['recurrence'], message: fault });
    if (recurrence === undefined && endsAt === undefined) context.addIssue({ code: 'custom', path: [], message: 'must have a recurrence, an end, or both; leave seasons out for a board that never ends' });
    if (startsAt !== undefined && endsAt !== undefined && endsAt <= startsAt) context.addIssue({ code: 'custom', path: ['endsAt'], message: 'must be after startsAt' });
  })
  .transform(({ graceSeconds, ...plan }) => ({ ...plan, graceMs: graceSeconds * 1_000 }));

const limitsSchema = z
  .strictObject(
    { minScore: score.optional(), maxScore: score.optional(), maxChange: score.positive('must be over 0').optional() },
    { error: refuseUnknown('must be an object {minScore, maxScore, maxChange}') },
  )
  .refine(({ minScore = -MAX_SCORE, maxScore = MAX_SCORE }) => minScore <= maxScore, { path: ['maxScore'], message: 'must not be below minScore' });

/** A board as `PUT /v1/boards/:gameId` takes it. */
export const boardSchema = z.strictObject(
  {
    operator: z.enum(operators, `must be one of ${operators.join(', ')}`),
    order: z.enum(orders, `must be one of ${orders.join(', ')}`).default('descending'),
    subscore: z.boolean().default(false),
    shards: z.int(`must be 1 to ${MAX_SHARDS}`).min(1, `must be 1 to ${MAX_SHARDS}`).max(MAX_SHARDS, `must be 1 to ${MAX_SHARDS}`).default(1),
    limits: limitsSchema.default({}),
    seasons: seasonsSchema.optional(),
    rewards: z.array(rewardSchema).max(50, 'must be at most 50').default([]),
  },
  { error: refuseUnknown('must be a JSON object') },
) as unknown as z.ZodType<BoardDefinition>;

