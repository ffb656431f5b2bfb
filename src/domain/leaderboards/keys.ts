import { fnv1a } from '../fnv1a';
import { compositeKey } from '../ids';
import type { Order } from './ranking';

/**
 * The players of one season whose ids fall into one shard: one partition of the table, one ranking. How it is ordered
 * is part of its name, so that whoever sees a change knows how to rank it.
 */
export interface RankShard {
  gameId: string;
  season: number;
  shard: number;
  order: Order;
}

const pad = (number: number, digits: number): string => String(number).padStart(digits, '0');

/** The partition key: `game#00003#07#d`. */
export function boardSeason({ gameId, season, shard, order }: RankShard): string {
  return compositeKey(gameId, pad(season, 5), pad(shard, 2), order === 'descending' ? 'd' : 'a');
}

/** @returns undefined for what {@link boardSeason} did not make. */
export function parseBoardSeason(key: unknown): RankShard | undefined {
  const [, gameId, season, shard, order] = (typeof key === 'string' && /^([^#]+)#(\d+)#(\d+)#([da])$/.exec(key)) || [];
  if (gameId === undefined) return undefined;
  return { gameId, season: Number(season), shard: Number(shard), order: order === 'd' ? 'descending' : 'ascending' };
}

/** Standings and rewards of one season. */
export function seasonKey(gameId: string, season: number): string {
  return compositeKey(gameId, pad(season, 5));
}

/** Returns the shard of a player, the same in every process and version. */
export function shardOf(playerId: string, shards: number): number {
  return fnv1a(playerId) % shards;
}

/** Every shard of a season. */
export function shardsOf(
  { gameId, order, shards }: { gameId: string; order: Order; shards: number },
  season: number,
): RankShard[] {
  return Array.from({ length: shards }, (_, shard) => ({ gameId, season, shard, order }));
}

/** Written where a season has ended, behind its last score; no player's id, since those hold no `#`. */
export const END_MARK = '#end';
/**
 * Written where the ranks are compared with the table, behind what was read; the ranks' head says when it was passed.
 */
export const CHECK_MARK = '#check';
