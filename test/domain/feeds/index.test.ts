import * as fc from 'fast-check';
import {
  type AuthorState,
  marksFollowers,
  mayLieInFeeds,
  type Mode,
  pushes,
  turnOf,
} from '../../../src/domain/feeds/author';
import { merged } from '../../../src/domain/feeds/merge';
import { postIdOf, timeKey, timeOf } from '../../../src/domain/feeds/post';
import { followerIdOf, followerKey, planFor, rangesOf } from '../../../src/domain/feeds/ranges';
import { inLanes } from '../../../src/domain/lanes';

const author = (mode: Mode, over: Partial<AuthorState> = {}): AuthorState => ({
  mode,
  modeVersion: 1,
  followers: 0,
  ...over,
});

describe('an author', () => {
  it('turns above the threshold, and back only well below it', () => {
    expect([99, 100, 101].map((followers) => turnOf({ mode: 'push', followers }, 100))).toEqual([
      undefined,
      undefined,
      'rising',
    ]);
    expect([101, 80, 79].map((followers) => turnOf({ mode: 'pull', followers }, 100))).toEqual([
      undefined,
      undefined,
      'falling',
    ]);
  });

  it('begins no turn before the last one is over', () => {
    for (const followers of [0, 1_000])
      for (const mode of ['rising', 'falling'] as const) expect(turnOf({ mode, followers }, 100)).toBeUndefined();
  });

  it('is always either pushed or marked, so that no post is on neither way', () => {
    for (const mode of ['push', 'rising', 'pull', 'falling'] as const)
      expect(pushes({ mode }) || marksFollowers({ mode })).toBe(true);
  });

  it('has posts in feeds that were pushed, or that are older than the rise', () => {
    expect(mayLieInFeeds({ at: 10, pushed: true }, author('pull', { risenAt: 5 }))).toBe(true);
    expect(mayLieInFeeds({ at: 4, pushed: false }, author('pull', { risenAt: 5 }))).toBe(true);
    expect(mayLieInFeeds({ at: 10, pushed: false }, author('pull', { risenAt: 5 }))).toBe(false);
    expect(mayLieInFeeds({ at: 10, pushed: false }, author('falling', { risenAt: 5 }))).toBe(true);
  });
});

describe('ranges', () => {
  it('hold every follower once, whatever ids look like', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.stringMatching(/^[A-Za-z0-9_.:@-]{1,64}$/), (count, id) => {
        const key = followerKey(id);
        const holding = rangesOf(count).filter(({ from, to }) => from <= key && key <= `${to}~`);
        expect(holding).toHaveLength(1);
        expect(followerIdOf(key)).toBe(id);
      }),
    );
  });

  it('are of about one size, also of ids that differ in a number only', () => {
    const ranges = rangesOf(8);
    const sizes = ranges.map(() => 0);
    for (let i = 0; i < 8_000; i++)
      sizes[
        ranges.findIndex(({ from, to }) => followerKey(`user-${i}`) >= from && followerKey(`user-${i}`) <= `${to}~`)
      ]!++;
    for (const size of sizes) expect(Math.abs(size - 1_000)).toBeLessThan(150);
  });

  it('are one of a small fan-out, and as many as it is worth of a large one', () => {
    const settings = { ranges: 8, bulkAbove: 1_000 };
    expect([0, 1_000, 1_001, 5_500, 1_000_000].map((followers) => planFor(followers, settings))).toEqual([
      { bulk: false, ranges: 1 },
      { bulk: false, ranges: 1 },
      { bulk: true, ranges: 2 },
      { bulk: true, ranges: 6 },
      { bulk: true, ranges: 8 },
    ]);
  });
});

it('a key tells time and id, and keys sort as both do', () => {
  const key = timeKey(1_767_225_600_123, 'p-1');
  expect([timeOf(key), postIdOf(key)]).toEqual([1_767_225_600_123, 'p-1']);
  expect([timeKey(2, 'a'), timeKey(1, 'z'), timeKey(1, 'b')].sort()).toEqual([
    timeKey(1, 'b'),
    timeKey(1, 'z'),
    timeKey(2, 'a'),
  ]);
});

it('lists merge in the order of reading, each post once', () => {
  const ref = (key: string) => ({ key, authorId: 'a' });
  const lists = [['e', 'c', 'a'].map(ref), ['d', 'c'].map(ref)];
  expect(merged(lists, 'older', 4).map(({ key }) => key)).toEqual(['e', 'd', 'c', 'a']);
  expect(merged(lists, 'newer', 2).map(({ key }) => key)).toEqual(['a', 'c']);
});

it('lanes keep the order of results, and no more than so many at once', async () => {
  let running = 0;
  let most = 0;
  const results = await inLanes([5, 1, 3, 2, 4], 2, async (n) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, n));
    running--;
    return n * 10;
  });
  expect(results).toEqual([50, 10, 30, 20, 40]);
  expect(most).toBe(2);
});
