import { z } from 'zod';
import { wholeOf, wholeTextOf } from '../../domain/edge/schemas';
import { iso } from '../../domain/ids';
import type { RankedPlayer, RankEntry } from '../../domain/leaderboards/ranking';
import type { Boards } from '../../operations/leaderboards/boards';
import type { AsOf, Rankings } from '../../operations/leaderboards/rankings';
import { fromCursor, type List, toCursor } from '../../stores/cursor';
import { type AnyRoute, route } from '../http/router';
import { cursorSchema, idSchema, limitSchema } from '../schemas';
import { boardParams, seasonNumber } from './params';

/** What the routes of ranks need. */
export interface RankingParts {
  boards: Boards;
  rankings: Rankings;
}

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

/** Routes that read ranks. */
export function rankingRoutes(parts: RankingParts): AnyRoute[] {
  return [getTop(parts), getPlayer(parts), postFriends(parts)];
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

const getTop = ({ boards, rankings }: RankingParts): AnyRoute =>
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

const getPlayer = ({ boards, rankings }: RankingParts): AnyRoute =>
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

const postFriends = ({ boards, rankings }: RankingParts): AnyRoute =>
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
