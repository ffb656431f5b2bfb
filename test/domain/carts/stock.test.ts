import * as fc from 'fast-check';
import { expiredHolds, holdEnd } from '../../../src/domain/carts/holds';
import { type Stock, stockAt } from '../../../src/domain/carts/stock';

const arbitraryStock: fc.Arbitrary<Stock> = fc.record({
  onHand: fc.nat(1_000),
  holds: fc.dictionary(
    fc.nat(100).map((end) => String(end * 1_000)),
    fc.integer({ min: 1, max: 50 }),
  ),
  sold: fc.nat(1_000),
});
const arbitraryInstant = fc.nat(101_000);
const sum = (quantities: readonly number[]): number => quantities.reduce((total, one) => total + one, 0);

it('free, held and sold are always what was ever put on the shelf', () => {
  fc.assert(
    fc.property(arbitraryStock, arbitraryInstant, (stock, now) => {
      const { onHand, held, sold } = stockAt(stock, now);
      expect(onHand + held + sold).toBe(stock.onHand + sum(Object.values(stock.holds)) + stock.sold);
    }),
  );
});

it('time alone gives back a hold: at its end, and not before', () => {
  fc.assert(
    fc.property(arbitraryStock, arbitraryInstant, (stock, now) => {
      const running = Object.entries(stock.holds).filter(([end]) => Number(end) > now);
      expect(stockAt(stock, now).held).toBe(sum(running.map(([, quantity]) => quantity)));
      expect(expiredHolds(stock, now)).toHaveLength(Object.keys(stock.holds).length - running.length);
    }),
  );
  const stock = { onHand: 1, holds: { 5_000: 3 }, sold: 0 };
  expect([4_999, 5_000].map((now) => stockAt(stock, now).onHand)).toEqual([1, 4]);
});

it('later there is never less on hand', () => {
  fc.assert(
    fc.property(arbitraryStock, arbitraryInstant, arbitraryInstant, (stock, a, b) => {
      expect(stockAt(stock, Math.max(a, b)).onHand).toBeGreaterThanOrEqual(stockAt(stock, Math.min(a, b)).onHand);
    }),
  );
});

it('a hold lasts at least as long as promised, and a twentieth longer at most, so a product has few ends', () => {
  const arbitraryHold = fc.integer({ min: 1, max: 86_400_000 });
  fc.assert(
    fc.property(fc.nat(4_000_000_000_000), arbitraryHold, (now, holdMs) => {
      const longer = holdEnd(now, holdMs) - (now + holdMs);
      expect(longer).toBeGreaterThanOrEqual(0);
      expect(longer).toBeLessThan(Math.max(1, Math.ceil(holdMs / 20)));
    }),
  );
  const ends = new Set(Array.from({ length: 900 }, (_, second) => holdEnd(second * 1_000, 900_000)));
  expect(ends.size).toBeLessThanOrEqual(21);
});
