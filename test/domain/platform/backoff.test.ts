import * as fc from 'fast-check';
import { backoffMs } from '../../../src/domain/platform/backoff';

const backoff = fc
  .record({ firstMs: fc.integer({ min: 1, max: 1_000 }), factor: fc.integer({ min: 1, max: 1_000 }) })
  .map(({ firstMs, factor }) => ({ firstMs, lastMs: firstMs * factor }));
const attempt = fc.integer({ min: 1, max: 2_000 });
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

it('pauses for a share of a bound that doubles with each attempt, up to the last', () => {
  fc.assert(
    fc.property(backoff, attempt, share, (bounds, number, given) => {
      const bound = (of: number) => backoffMs(bounds, of, () => 1);
      expect(bound(1)).toBe(bounds.firstMs);
      expect(bound(number + 1)).toBe(Math.min(2 * bound(number), bounds.lastMs));
      expect(backoffMs(bounds, number, () => given)).toBeCloseTo(given * bound(number), 6);
    }),
  );
});

it('spreads pauses evenly from nothing to the bound', () => {
  const pauses = Array.from({ length: 10_000 }, () => backoffMs({ firstMs: 100, lastMs: 100 }, 1));
  const tenths = Array.from({ length: 10 }, (_, i) => pauses.filter((ms) => Math.floor(ms / 10) === i).length);
  expect(tenths.reduce((sum, count) => sum + count, 0)).toBe(10_000);
  // By chance a tenth has fewer than 800 once in 10^10 runs or so.
  for (const count of tenths) expect(count).toBeGreaterThan(800);
});
