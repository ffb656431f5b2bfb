import { z } from 'zod';
import { wholeOf, wholeTextOf } from '../../domain/edge/schemas';
import { LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import type { Submission } from '../../domain/leaderboards/board';
import type { RankedPlayer, RankEntry } from '../../domain/leaderboards/ranking';
import { submissionsSchema } from '../../domain/leaderboards/schemas';
import type { Boards } from '../../operations/leaderboards/boards';
import type { AsOf, Rankings } from '../../operations/leaderboards/rankings';
import type { SubmissionResult, Submissions } from '../../operations/leaderboards/submissions';
import { fromCursor, type List, toCursor } from '../../stores/cursor';
import { type AnyRoute, route } from '../http/routes';
import { cursorSchema, idSchema, limitSchema } from '../schemas';

/** What the routes of scores and ranks need. */
export interface LeaderboardParts {
  boards: Boards;
  submissions: Submissions;
  rankings: Rankings;
}

/** Path parameters of a board. */
export const boardParams = z.object({ gameId: idSchema });
/** Schema of a season's number in a path or query. */
export const seasonNumber = wholeTextOf(1, 999_999_999);
const service = ['service', 'supervisor'] as const;
const MAX_AROUND = 100;
const MAX_FRIENDS = 100;

/** Schema of a ranked player. */
export const rankedSchema = z.object({
  rank: z.int(),
  playerId: z.string(),
  score: z.int(),
  subscore: z.int(),
  achievedAt: z.iso.datetime(),
  name: z.string().optional(),
  country: z.string().optional(),
});
const asOfSchema = z.object({ season: z.int(), players: z.int(), version: z.int(), asOf: z.iso.datetime().nullable() });
const resultSchema = z.looseObject({
  playerId: z.string(),
  submissionId: z.string(),
  status: z.enum(['applied', 'unchanged', 'repeated', 'refused']),
});

/** Routes that submit scores and read ranks. */
export function leaderboardRoutes(parts: LeaderboardParts): AnyRoute[] {
  return [postScores(parts), getTop(parts), getPlayer(parts), postFriends(parts)];
}

/** Converts a ranked player to its JSON form. */
export const shownPlayer = ({ achievedAt, ...rest }: RankedPlayer): z.infer<typeof rankedSchema> => ({
  ...rest,
  achievedAt: iso(achievedAt),
});
const shownAsOf = ({ season, players, version, asOf }: AsOf): z.infer<typeof asOfSchema> => ({
  season,
  players,
  version,
  asOf: asOf === undefined ? null : iso(asOf),
});

const postScores = ({ submissions }: LeaderboardParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/boards/:gameId/scores',
    operationId: 'submitScores',
    tag: 'leaderboards',
    loadClass: 'bulk',
    summary: 'Submit one score, or up to 100 as {scores: […]}; each counts once by its submissionId',
    roles: service,
    params: boardParams,
    body: submissionsSchema,
    responses: {
      200: {
        description: 'The result of each submission, in order; with an error if it was refused',
        schema: z.object({ results: z.array(resultSchema) }),
      },
      400: { description: 'A score is not valid, or the only submission exceeds a limit of the board' },
      404: { description: 'Board not found' },
      409: { description: 'The only submission is of a banned player, or no season is running' },
    },
    handler: async ({ params: { gameId }, body: { scores } }) => {
      const results = await submissions.submit(gameId, scores);
      const [only] = results;
      if (results.length === 1 && only instanceof LongwatchError) throw only;
      return { status: 200, body: { results: results.map((result, i) => shownResult(scores[i], result)) } };
    },
  });

function shownResult(
  { playerId = '', submissionId = '' }: Partial<Submission> = {},
  result: SubmissionResult,
): z.infer<typeof resultSchema> {
  if (!(result instanceof LongwatchError)) return { playerId, submissionId, ...result };
  const { type, message, detail } = result;
  return {
    playerId,
    submissionId,
    status: 'refused',
    error: { type, detail: message, ...(detail.faults && { errors: detail.faults }) },
  };
}

const getTop = ({ boards, rankings }: LeaderboardParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/boards/:gameId/top',
    operationId: 'getTop',
    tag: 'leaderboards',
    loadClass: 'bulk',
    summary: 'The top players of a season, in order',
    roles: service,
    params: boardParams,
    query: z.object({ season: seasonNumber.optional(), cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: {
        description: 'A page',
        schema: asOfSchema.extend({ entries: z.array(rankedSchema), cursor: z.string().optional() }),
      },
    },
    handler: async ({ params: { gameId }, query: { season: asked, cursor, limit = 50 } }) => {
      const { board, season } = await boards.seasonOf(gameId, asked);
      const list: List = { name: 'top', of: { gameId, season } };
      const { entries, last, ...asOf } = await rankings.top(
        board,
        season,
        limit,
        cursor === undefined ? undefined : rankIn(list, cursor),
      );
      return {
        status: 200,
        body: {
          ...shownAsOf(asOf),
          entries: entries.map(shownPlayer),
          ...(last && toCursor(list, { Score: last[0], Subscore: last[1], At: last[2], PlayerID: last[3] })),
        },
      };
    },
  });

const getPlayer = ({ boards, rankings }: LeaderboardParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/boards/:gameId/players/:playerId',
    operationId: 'getPlayerRank',
    tag: 'leaderboards',
    loadClass: 'interactive',
    summary: 'A player’s rank and percentile, and the neighbouring ranks',
    roles: service,
    params: boardParams.extend({ playerId: idSchema }),
    query: z.object({ season: seasonNumber.optional(), around: wholeTextOf(0, MAX_AROUND).default(0) }),
    responses: {
      200: {
        description: 'The rank',
        schema: asOfSchema.extend({
          ...rankedSchema.shape,
          percentile: z.number(),
          around: z.array(rankedSchema).optional(),
        }),
      },
      404: { description: 'The player is not ranked, or not yet' },
    },
    handler: async ({ params: { gameId, playerId }, query: { season: asked, around } }) => {
      const { board, season } = await boards.seasonOf(gameId, asked);
      const { player, percentile, around: near, ...asOf } = await rankings.player(board, season, playerId, around);
      return {
        status: 200,
        body: {
          ...shownAsOf(asOf),
          ...shownPlayer(player),
          percentile,
          ...(around > 0 && { around: near.map(shownPlayer) }),
        },
      };
    },
  });

const postFriends = ({ boards, rankings }: LeaderboardParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/boards/:gameId/friends',
    operationId: 'rankFriends',
    tag: 'leaderboards',
    loadClass: 'bulk',
    summary:
      'The given players in order, each with the rank among them and the overall rank; unranked players ' +
      'are left out',
    roles: service,
    params: boardParams,
    body: z.strictObject({
      players: z
        .array(idSchema)
        .min(1, `must name 1 to ${MAX_FRIENDS} players`)
        .max(MAX_FRIENDS, `must name 1 to ${MAX_FRIENDS} players`),
      season: wholeOf(1, 999_999_999).optional(),
    }),
    responses: {
      200: {
        description: 'The ranked players',
        schema: asOfSchema.extend({ entries: z.array(rankedSchema.extend({ place: z.int() })) }),
      },
    },
    handler: async ({ params: { gameId }, body: { players, season: asked } }) => {
      const { board, season } = await boards.seasonOf(gameId, asked);
      const { entries, ...asOf } = await rankings.among(board, season, players);
      return {
        status: 200,
        body: { ...shownAsOf(asOf), entries: entries.map((entry, i) => ({ place: i + 1, ...shownPlayer(entry) })) },
      };
    },
  });

function rankIn(list: List, cursor: string): RankEntry {
  const { Score, Subscore, At, PlayerID } = fromCursor(list, cursor, {
    Score: 'integer',
    Subscore: 'integer',
    At: 'integer',
    PlayerID: 'text',
  });
  return [Score, Subscore, At, PlayerID];
}
