import * as fc from 'fast-check';
import type { AuthorState, Mode } from '../../../src/domain/feeds/author';
import { mayLieInFeeds, postIdOf, timeKey, timeOf } from '../../../src/domain/feeds/post';

it('a key tells time and id, and keys sort as both do', () => {
  const key = timeKey(1_767_225_600_123, 'p-1');
  expect([timeOf(key), postIdOf(key)]).toEqual([1_767_225_600_123, 'p-1']);
  expect([timeKey(2, 'a'), timeKey(1, 'z'), timeKey(1, 'b')].sort()).toEqual([
    timeKey(1, 'b'),
    timeKey(1, 'z'),
    timeKey(2, 'a'),
  ]);
});

it('keys sort as times do, and as ids where times are equal', () => {
  const arbitraryPost = fc.record({
    at: fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) }),
    id: fc.stringMatching(/^[A-Za-z0-9_.:@-]{1,20}$/),
  });
  fc.assert(
    fc.property(fc.array(arbitraryPost), fc.nat(3), (posts, spread) => {
      // Few different times, so that some are equal.
      const all = posts.map(({ at, id }) => ({ at: at % (spread + 1), id }));
      const byKey = all.toSorted((a, b) => (timeKey(a.at, a.id) < timeKey(b.at, b.id) ? -1 : 1));
      const byTime = all.toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
      expect(byKey).toEqual(byTime);
      for (const { at, id } of posts) expect([timeOf(timeKey(at, id)), postIdOf(timeKey(at, id))]).toEqual([at, id]);
    }),
  );
});

const author = (mode: Mode, over: Partial<AuthorState> = {}): AuthorState => ({
  mode,
  modeVersion: 1,
  followers: 0,
  ...over,
});

it('an author has posts in feeds that were pushed, or that are older than the rise', () => {
  expect(mayLieInFeeds({ at: 10, pushed: true }, author('pull', { risenAt: 5 }))).toBe(true);
  expect(mayLieInFeeds({ at: 4, pushed: false }, author('pull', { risenAt: 5 }))).toBe(true);
  expect(mayLieInFeeds({ at: 10, pushed: false }, author('pull', { risenAt: 5 }))).toBe(false);
  expect(mayLieInFeeds({ at: 10, pushed: false }, author('falling', { risenAt: 5 }))).toBe(true);
});
