import * as fc from 'fast-check';
import {
  boardSeason,
  parseBoardSeason,
  seasonKey,
  shardOf,
  shardsOf,
} from '../../../src/domain/leaderboards/rankShards';
import { orders } from '../../../src/domain/leaderboards/ranking';

const arbitraryShard = fc.record({
  gameId: fc.stringMatching(/^[A-Za-z0-9_.:@-]{1,64}$/),
  season: fc.integer({ min: 1, max: 99_999 }),
  shard: fc.nat(63),
  order: fc.constantFrom(...orders),
});

it('a partition key tells the shard that it was made of, and different shards have different keys', () => {
  fc.assert(
    fc.property(arbitraryShard, arbitraryShard, (a, b) => {
      expect(parseBoardSeason(boardSeason(a))).toEqual(a);
      expect(boardSeason(a) === boardSeason(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
});

it.each(['game', 'game#00001#01', 'game#00001#01#x', '#00001#01#d', 'game#x#01#d', 7, undefined])(
  '%p is no such key',
  (key) => expect(parseBoardSeason(key)).toBeUndefined(),
);

it('keys of seasons sort as seasons do', () => {
  fc.assert(
    fc.property(fc.nat(99_999), fc.nat(99_999), (a, b) => {
      expect(seasonKey('game', a) < seasonKey('game', b)).toBe(a < b);
    }),
  );
});

it('every player has one shard among those of the season', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (playerId, shards) => {
      const all = shardsOf({ gameId: 'game', order: 'descending', shards }, 3).map(({ shard }) => shard);
      expect(all).toEqual(Array.from({ length: shards }, (_, shard) => shard));
      expect(all).toContain(shardOf(playerId, shards));
    }),
  );
});
