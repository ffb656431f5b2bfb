import { z } from 'zod';
import { defined } from '../../domain/defined';
import { linesOf } from '../../domain/edge/schemas';
import { LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import type { Board, BoardDefinition, Season } from '../../domain/leaderboards/board';
import { boardSchema, instantSchema } from '../../domain/leaderboards/schemas';
import type { Boards } from '../../operations/leaderboards/boards';
import { fromCursor, type List, toCursor } from '../../stores/cursor';
import type { BoardStore } from '../../stores/leaderboards/boards';
import type { StandingsStore } from '../../stores/leaderboards/standings';
import type { CheckMode } from '../../domain/leaderboards/workflows';
import { versionOf } from '../http/ifMatch';
import { boardParams, seasonNumber } from './params';
import { rankedSchema, shownPlayer } from './rankings';
import { type AnyRoute, route } from '../http/router';
import { cursorSchema, idSchema, limitSchema } from '../schemas';

/** What the routes of boards need. */
export interface BoardRouteParts {
  boards: Boards;
  store: BoardStore;
  standings: StandingsStore;
  /** Starts the workflow that checks a board's ranks, unless it already runs. @returns the workflow's id. */
  startRankCheck(mode: CheckMode, gameId: string): Promise<string>;
}

const readers = ['service', 'supervisor'] as const;
const operators = ['supervisor'] as const;
const seasonParams = boardParams.extend({ n: seasonNumber });
const seasonSchema = z.looseObject({
  number: z.int(),
  startsAt: z.iso.datetime(),
  endsAt: z.iso.datetime().nullable(),
  status: z.enum(['open', 'closing', 'final']),
});

/** Routes of boards, their seasons, standings, rewards, bans and rank checks. */
export function boardRoutes(parts: BoardRouteParts): AnyRoute[] {
  return [
    getBoard(parts),
    putBoard(parts),
    listSeasons(parts),
    putSeason(parts),
    getStandings(parts),
    getRewards(parts),
    listBans(parts),
    putBan(parts),
    deleteBan(parts),
    checkRanks(parts, 'audit', 'Compare a board’s ranks with its scores and repair differences'),
    checkRanks(parts, 'rebuild', 'Rebuild a board’s ranks from its scores, while reads continue'),
  ];
}

function shownBoard({
  gameId,
  version,
  operator,
  order,
  subscore,
  shards,
  limits,
  seasons,
  rewards,
}: Board): Record<string, unknown> {
  return {
    gameId,
    version,
    operator,
    order,
    subscore,
    shards,
    limits,
    ...(seasons && { seasons: shownPlan(seasons) }),
    rewards,
  };
}

function shownPlan({
  startsAt,
  endsAt,
  graceMs,
  ...rest
}: NonNullable<BoardDefinition['seasons']>): Record<string, unknown> {
  return {
    ...rest,
    ...(startsAt !== undefined && { startsAt: iso(startsAt) }),
    ...(endsAt !== undefined && { endsAt: iso(endsAt) }),
    graceSeconds: graceMs / 1_000,
  };
}

function shownSeason({
  number,
  startsAt,
  endsAt,
  graceMs,
  status,
  closedAt,
  players,
}: Season): z.infer<typeof seasonSchema> {
  return {
    number,
    startsAt: iso(startsAt),
    endsAt: endsAt === undefined ? null : iso(endsAt),
    graceSeconds: graceMs / 1_000,
    status,
    ...(closedAt !== undefined && { closedAt: iso(closedAt) }),
    ...defined({ players }),
  };
}

const getBoard = ({ boards }: BoardRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/boards/:gameId',
    operationId: 'getBoard',
    tag: 'leaderboards',
    loadClass: 'interactive',
    summary: 'A board: how scores count and are ordered, its limits, seasons and rewards',
    roles: readers,
    params: boardParams,
    responses: {
      200: {
        description: 'The board; its version is the ETag',
        schema: z.looseObject({ gameId: z.string(), version: z.int() }),
      },
      404: { description: 'Board not found' },
    },
    handler: async ({ params: { gameId } }) => {
      const board = await boards.read(gameId);
      return { status: 200, body: shownBoard(board), headers: { etag: `"${board.version}"` } };
    },
  });

const putBoard = ({ boards }: BoardRouteParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/boards/:gameId',
    operationId: 'putBoard',
    tag: 'leaderboards',
    loadClass: 'interactive',
    summary:
      'Create a board, or change its limits, seasons and rewards; operator, order, subscore and shards ' +
      'cannot change',
    roles: operators,
    params: boardParams,
    body: boardSchema,
    headers: [
      {
        name: 'If-Match',
        required: false,
        description: 'For an existing board: the version that was read (its ETag), for example "3"',
      },
    ],
    responses: {
      200: { description: 'Changed', schema: z.object({ gameId: z.string(), version: z.int() }) },
      201: { description: 'Created', schema: z.object({ gameId: z.string(), version: z.int() }) },
      409: { description: 'The request changes a property that cannot change' },
      412: { description: 'The board has another version than If-Match names' },
    },
    handler: async ({ params: { gameId }, body, header }) => {
      const ifMatch = header('if-match');
      const { version, made } = await boards.put(gameId, body, ifMatch === undefined ? undefined : versionOf(ifMatch));
      return { status: made ? 201 : 200, body: { gameId, version }, headers: { etag: `"${version}"` } };
    },
  });

const listSeasons = ({ boards, store }: BoardRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/boards/:gameId/seasons',
    operationId: 'listSeasons',
    tag: 'leaderboards',
    loadClass: 'interactive',
    summary: 'A board’s seasons, newest first; the newest may not have begun',
    roles: readers,
    params: boardParams,
    query: z.object({ cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: { description: 'A page', schema: z.object({ items: z.array(seasonSchema), cursor: z.string().optional() }) },
    },
    handler: async ({ params: { gameId }, query: { cursor, limit = 50 } }) => {
      await boards.view(gameId);
      const page = await store.seasons(gameId, { limit, cursor });
      return { status: 200, body: { ...page, items: page.items.map(shownSeason) } };
    },
  });

const putSeason = ({ boards }: BoardRouteParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/boards/:gameId/seasons/:n',
    operationId: 'moveSeasonEnd',
    tag: 'leaderboards',
    loadClass: 'interactive',
    summary: 'Move the end of a running season; the next season begins at the new end',
    roles: operators,
    params: seasonParams,
    body: z.strictObject({ endsAt: instantSchema }),
    responses: {
      200: { description: 'The season', schema: seasonSchema },
      400: { description: 'The new end is too soon for all processes to apply it, or after the next season' },
      409: { description: 'The season is closed or about to close' },
    },
    handler: async ({ params: { gameId, n }, body: { endsAt } }) => ({
      status: 200,
      body: shownSeason(await boards.moveEnd(gameId, n, endsAt)),
    }),
  });

const getStandings = ({ store, standings }: BoardRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/boards/:gameId/seasons/:n/standings',
    operationId: 'getStandings',
    tag: 'leaderboards',
    loadClass: 'bulk',
    summary: 'The final standings of a season by rank; they never change',
    roles: readers,
    params: seasonParams,
    query: z.object({ cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: {
        description: 'A page',
        schema: z.object({
          season: z.int(),
          players: z.int(),
          entries: z.array(rankedSchema),
          cursor: z.string().optional(),
        }),
      },
      404: { description: 'Season not found' },
      409: { description: 'The season is not over, or its standings are being written' },
    },
    handler: async ({ params: { gameId, n }, query: { cursor, limit = 50 } }) => {
      const season = await store.season(gameId, n);
      if (!season) throw new LongwatchError('notFound', `Board ${gameId} has no season ${n}`);
      if (season.status !== 'final')
        throw new LongwatchError(
          'conflict',
          `Season ${n} is ${season.status === 'open' ? 'not over' : 'being closed'}; its standings are not final`,
        );
      const { players = 0 } = season;
      const list: List = { name: 'standings', of: { gameId, n } };
      const from = cursor === undefined ? 1 : fromCursor(list, cursor, { Rank: 'integer' }).Rank;
      const entries = await standings.page(gameId, n, from, limit);
      const next = from + entries.length;
      return {
        status: 200,
        body: {
          season: n,
          players,
          entries: entries.map(shownPlayer),
          ...(next <= players && toCursor(list, { Rank: next })),
        },
      };
    },
  });

const getRewards = ({ standings }: BoardRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/boards/:gameId/seasons/:n/rewards',
    operationId: 'listRewards',
    tag: 'leaderboards',
    loadClass: 'interactive',
    summary: 'Rewards granted after a season, by player',
    roles: readers,
    params: seasonParams,
    query: z.object({ cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: {
        description: 'A page',
        schema: z.object({
          items: z.array(
            z.object({
              playerId: z.string(),
              rank: z.int(),
              rewards: z.array(z.string()),
              grantedAt: z.iso.datetime(),
            }),
          ),
          cursor: z.string().optional(),
        }),
      },
    },
    handler: async ({ params: { gameId, n }, query: { cursor, limit = 50 } }) => {
      const page = await standings.rewards(gameId, n, { limit, cursor });
      return {
        status: 200,
        body: { ...page, items: page.items.map((item) => ({ ...item, grantedAt: iso(item.grantedAt) })) },
      };
    },
  });

const banParams = boardParams.extend({ playerId: idSchema });

const listBans = ({ boards, store }: BoardRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/boards/:gameId/bans',
    operationId: 'listBans',
    tag: 'leaderboards',
    loadClass: 'interactive',
    summary: 'Players banned from a board, with the reasons',
    roles: operators,
    params: boardParams,
    query: z.object({ cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: {
        description: 'A page',
        schema: z.object({
          items: z.array(z.looseObject({ playerId: z.string(), reason: z.string() })),
          cursor: z.string().optional(),
        }),
      },
    },
    handler: async ({ params: { gameId }, query: { cursor, limit = 50 } }) => {
      await boards.view(gameId);
      const page = await store.bans(gameId, { limit, cursor });
      return { status: 200, body: { ...page, items: page.items.map(({ at, ...ban }) => ({ ...ban, at: iso(at) })) } };
    },
  });

const putBan = ({ boards }: BoardRouteParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/boards/:gameId/bans/:playerId',
    operationId: 'banPlayer',
    tag: 'leaderboards',
    loadClass: 'interactive',
    summary: 'Ban a player: remove them from the ranks of all unfinished seasons and refuse their scores',
    roles: operators,
    params: banParams,
    body: z.strictObject({ reason: linesOf(1, 500) }),
    responses: { 204: { description: 'Banned' }, 404: { description: 'Board not found' } },
    handler: async ({ params: { gameId, playerId }, body: { reason }, caller }) => {
      await boards.setBan(gameId, playerId, { reason, bannedBy: caller.name });
      return { status: 204 };
    },
  });

const deleteBan = ({ boards }: BoardRouteParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/boards/:gameId/bans/:playerId',
    operationId: 'unbanPlayer',
    tag: 'leaderboards',
    loadClass: 'interactive',
    summary: 'End a ban: the player returns to the rank of their score',
    roles: operators,
    params: banParams,
    responses: {
      204: { description: 'Not banned; the same for a repeated request' },
      404: { description: 'Board not found' },
    },
    handler: async ({ params: { gameId, playerId } }) => {
      await boards.setBan(gameId, playerId, null);
      return { status: 204 };
    },
  });

const checkRanks = ({ boards, startRankCheck }: BoardRouteParts, mode: CheckMode, summary: string): AnyRoute =>
  route({
    method: 'post',
    path: `/v1/boards/:gameId/ranks/${mode}`,
    operationId: `${mode}Ranks`,
    tag: 'leaderboards',
    loadClass: 'interactive',
    summary,
    roles: operators,
    params: boardParams,
    responses: {
      202: {
        description: 'Started; the workflow shows its progress and its result',
        schema: z.object({ workflowId: z.string() }),
      },
      404: { description: 'Board not found' },
      503: { description: 'Temporal is unavailable; nothing was started' },
    },
    handler: async ({ params: { gameId } }) => {
      await boards.read(gameId);
      return { status: 202, body: { workflowId: await startRankCheck(mode, gameId) } };
    },
  });
