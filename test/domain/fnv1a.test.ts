import * as fc from 'fast-check';
import { followerKey } from '../../src/domain/feeds/ranges';
import { fnv1a } from '../../src/domain/fnv1a';
import { shortHash } from '../../src/domain/fraud/profile';
import { shardOf } from '../../src/domain/leaderboards/rankShards';

it('agrees with the published test vectors', () => {
  expect(fnv1a('')).toBe(0x811c9dc5);
  expect(fnv1a('a')).toBe(0xe40c292c);
  expect(fnv1a('foobar')).toBe(0xbf9cf968);
});

it('agrees with the definition in exact arithmetic', () => {
  const defined = (text: string) =>
    Array.from({ length: text.length }, (_, i) => BigInt(text.charCodeAt(i))).reduce(
      (hash, unit) => ((hash ^ unit) * 16777619n) % 2n ** 32n,
      2166136261n,
    );
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => BigInt(fnv1a(text)) === defined(text)));
});

it('leaves stored keys where they are', () => {
  expect(
    ['a', 'foobar', 'player-17', 'Zoë', '用户'].map((id) => [followerKey(id), shortHash(id), shardOf(id, 64)]),
  ).toEqual([
    ['34#a', 14945285, 44],
    ['51#foobar', 12557457, 40],
    ['10#player-17', 2234320, 63],
    ['98#Zoë', 7931700, 23],
    ['b8#用户', 12905583, 32],
  ]);
});
