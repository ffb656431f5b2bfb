import { readableShards } from '../../../src/domain/platform/streams';

const shard = (shardId: string, ...parentIds: string[]) => ({ shardId, parentIds });

it('a shard is read after all its parents have ended, and until it has ended itself', () => {
  const shards = [shard('a'), shard('b'), shard('merged', 'a', 'b'), shard('child', 'merged')];
  const readable = (...ended: string[]) =>
    readableShards(shards, new Map(shards.map(({ shardId }) => [shardId, ended.includes(shardId)]))).map(
      ({ shardId }) => shardId,
    );
  expect(readable()).toEqual(['a', 'b']);
  expect(readable('a')).toEqual(['b']);
  expect(readable('a', 'b')).toEqual(['merged']);
  expect(readable('a', 'b', 'merged')).toEqual(['child']);
  expect(readable('a', 'b', 'merged', 'child')).toEqual([]);
});

it('a parent that the service no longer lists counts as ended', () => {
  expect(readableShards([shard('child', 'gone')], new Map([['child', false]]))).toEqual([shard('child', 'gone')]);
});
