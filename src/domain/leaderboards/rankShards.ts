import { fnv1a } from '../fnv1a';
import { compositeKey } from '../ids';
import type { Order } from './ranking';

/**
 * The players of one season in one shard: one partition of the table and one ranking. The partition key contains the
 * order, so that the stream's reader can rank a change without reading the board.
 */
export interface RankShard {
  gameId: string;
  season: number;
  shard: number;
  order: Order;
}

const pad = (number: number, digits: number): string => String(number).padStart(digits, '0');

/** Returns the partition key: `game#00003#07#d`. */
export function boardSeason({ gameId, season, shard, order }: RankShard): string {
  return compositeKey(gameId, pad(season, 5), pad(shard, 2), order === 'descending' ? 'd' : 'a');
}

/** Parses a key made by {@link boardSeason}; returns undefined for any other value. */
export function parseBoardSeason(key: unknown): RankShard | undefined {
  const [, gameId, season, shard, order] = (typeof key === 'string' && /^([^#]+)#(\d+)#(\d+)#([da])$/.exec(key)) || [];
  if (gameId === undefined) return undefined;
  return { gameId, season: Number(season), shard: Number(shard), order: order === 'd' ? 'descending' : 'ascending' };
}

/** Returns the key of a season's standings and rewards. */
export function seasonKey(gameId: string, season: number): string {
  return compositeKey(gameId, pad(season, 5));
}

/** Returns the shard of a player. The result must stay the same in every process and version. */
export function shardOf(playerId: string, shards: number): number {
  return fnv1a(playerId) % shards;
}

/** Returns all shards of a season. */
export function shardsOf(
  { gameId, order, shards }: { gameId: string; order: Order; shards: number },
  season: number,
): RankShard[] {
  return Array.from({ length: shards }, (_, shard) => ({ gameId, season, shard, order }));
}

/** The sort key of the end marker, written after a season's last score. Player ids contain no `#`. */
export const END_MARK = '#end';
/**
 * The sort key of the check marker. A rank check writes it after reading the table, and the ranks' head records when
 * the stream's reader has passed it.
 */
export const CHECK_MARK = '#check';
