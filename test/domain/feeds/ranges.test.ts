import * as fc from 'fast-check';
import { followerIdOf, followerKey, planFor, rangesOf } from '../../../src/domain/feeds/ranges';

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
