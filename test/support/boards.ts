import request from 'supertest';
import type { Board } from '../../src/domain/leaderboards/board';
import { LEADERBOARD_STREAM } from '../../src/domain/leaderboards/workflows';
import { bearer, type TestGraph, type Who } from './graph';
import { readAll } from './shards';

/** A game that no other test knows. */
export const newGame = (): string => `game-${Math.random().toString(36).slice(2)}`;

/** A board as stores see it. */
export const board = (over: Partial<Board> = {}): Board => ({
  gameId: newGame(),
  operator: 'best',
  order: 'descending',
  subscore: false,
  shards: 1,
  limits: {},
  rewards: [],
  version: 1,
  latestSeason: 1,
  ...over,
});

/** One game's board over HTTP, as its server uses it. */
export function boardApi({ app, consumers }: Pick<TestGraph, 'app' | 'consumers'>, gameId = newGame()) {
  const path = (rest: string) => `/v1/boards/${gameId}${rest}`;
  const get = (rest: string, who: Who = 'service') =>
    request(app)
      .get(path(rest))
      .set(...bearer(who));
  const post = (rest: string, body: object, who: Who = 'service') =>
    request(app)
      .post(path(rest))
      .set(...bearer(who))
      .send(body);
  const put = (rest: string, body: object, headers: Record<string, string> = {}) =>
    request(app)
      .put(path(rest))
      .set(...bearer('eva'))
      .set(headers)
      .send(body);
  let sent = 0;
  return {
    gameId,
    get,
    post,
    put,
    remove: (rest: string) =>
      request(app)
        .delete(path(rest))
        .set(...bearer('eva')),
    /** Submits one score under an id of its own. */
    score: (playerId: string, score: number, over: object = {}) =>
      post('/scores', { submissionId: `s-${++sent}`, playerId, score, ...over }),
    /** Applies what the table's stream holds. */
    rank: () => readAll(consumers[LEADERBOARD_STREAM]!),
  };
}
