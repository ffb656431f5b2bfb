import * as fc from 'fast-check';
import {
  type Checkout,
  type CheckoutStatus,
  checkoutStatuses,
  hasEnded,
  mustTotal,
  priceCart,
  statusAt,
} from '../../../src/domain/carts/checkout';
import { partsOf } from '../../../src/domain/carts/checkoutParts';
import type { CartLine } from '../../../src/domain/carts/cart';
import type { Product } from '../../../src/domain/carts/product';
import type { LongwatchError } from '../../../src/domain/errors';

const ids = ['a', 'b', 'c', 'd'] as const;
const NOW = 1_000;

const arbitraryProduct = (productId: string): fc.Arbitrary<Product> =>
  fc.record({
    productId: fc.constant(productId),
    title: fc.constant(`Product ${productId}`),
    price: fc.nat(10_000),
    currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'JPY'),
    version: fc.constant(1),
    stock: fc.record({
      onHand: fc.nat(8),
      holds: fc.dictionary(fc.constantFrom('500', '1000', '1500'), fc.integer({ min: 1, max: 4 })),
      sold: fc.nat(5),
    }),
  });
const arbitraryShelf: fc.Arbitrary<Product[]> = fc
  .tuple(...ids.map((id) => fc.option(arbitraryProduct(id), { nil: undefined, freq: 8 })))
  .map((products) => products.filter((product) => product !== undefined));
const arbitraryLines: fc.Arbitrary<CartLine[]> = fc
  .uniqueArray(fc.constantFrom(...ids), { minLength: 1 })
  .chain((chosen) =>
    fc.tuple(
      ...chosen.map((productId) =>
        fc.integer({ min: 1, max: 9 }).map((quantity) => ({
          productId,
          quantity,
          // As it was when it was put into the cart: not what it is sold as.
          title: 'An old title',
          price: 1,
          currency: 'USD',
          addedAt: 0,
        })),
      ),
    ),
  );

/** What can be sold now: on hand, and held until now at the latest. */
const available = ({ stock: { onHand, holds } }: Product): number =>
  Object.entries(holds).reduce((sum, [end, quantity]) => sum + (Number(end) <= NOW ? quantity : 0), onHand);

function attempt(lines: readonly CartLine[], products: readonly Product[]) {
  try {
    return { frozen: priceCart({ lines }, products, NOW) };
  } catch (error) {
    return { error: error as LongwatchError };
  }
}

it('a checkout sells every line at the price of now, or says of each line why it cannot', () => {
  fc.assert(
    fc.property(arbitraryLines, arbitraryShelf, (lines, products) => {
      const found = (id: string) => products.find(({ productId }) => productId === id);
      const gone = lines.filter(({ productId }) => !found(productId)).map(({ productId }) => productId);
      const first = lines.map(({ productId }) => found(productId)?.currency)[0];
      const foreign = lines.filter(({ productId }) => found(productId)?.currency !== first);
      const short = lines.filter(({ productId, quantity }) => {
        const product = found(productId);
        return product && available(product) < quantity;
      });
      const { frozen, error } = attempt(lines, products);
      const named = error?.detail.faults?.map(({ field }) => field.replace('lines.', ''));
      if (gone.length > 0) expect([error?.type, named]).toEqual(['conflict', gone]);
      else if (foreign.length > 0)
        expect([error?.type, named]).toEqual(['conflict', foreign.map(({ productId }) => productId)]);
      else if (short.length > 0) {
        expect([error?.type, named]).toEqual(['insufficientStock', short.map(({ productId }) => productId)]);
        expect(error?.detail.members).toEqual({
          shortages: short.map(({ productId, quantity }) => ({
            productId,
            wanted: quantity,
            available: available(found(productId)!),
          })),
        });
      } else
        expect(frozen).toEqual({
          currency: first,
          total: lines.reduce((sum, { productId, quantity }) => sum + quantity * found(productId)!.price, 0),
          lines: lines.map(({ productId, quantity }) => ({
            productId,
            quantity,
            title: `Product ${productId}`,
            price: found(productId)!.price,
          })),
        });
    }),
    { numRuns: 500 },
  );
});

it('parts hold every line once, in order, and no more than one transaction takes', () => {
  fc.assert(
    fc.property(fc.nat(250), fc.integer({ min: 1, max: 90 }), (count, partLines) => {
      const lines = Array.from({ length: count }, (_, i) => ({
        productId: `p${i}`,
        title: 't',
        quantity: 1,
        price: 1,
      }));
      const parts = partsOf({ lines, partLines });
      expect(parts.flat()).toEqual(lines);
      expect(parts).toHaveLength(Math.ceil(count / partLines));
      for (const part of parts) expect(part.length).toBeLessThanOrEqual(partLines);
    }),
  );
});

it('only a hold ends by time, at its very instant', () => {
  const at = (status: CheckoutStatus, now: number) => statusAt({ status, holdUntil: 100 } as Checkout, now);
  for (const status of checkoutStatuses) {
    expect(at(status, 99)).toBe(status);
    expect(at(status, 100)).toBe(status === 'held' || status === 'reserving' ? 'expired' : status);
  }
});

it('a checkout refuses another total than the customer saw', () => {
  const priced = { total: 1_050, currency: 'EUR' };
  expect(() => mustTotal(priced, undefined)).not.toThrow();
  expect(() => mustTotal(priced, 1_050)).not.toThrow();
  expect(() => mustTotal(priced, 1_000)).toThrow(
    expect.objectContaining({
      type: 'conflict',
      message: expect.stringContaining('The total is 1050 (EUR, minor units), not 1000'),
      detail: { faults: [{ field: 'expectedTotal', message: 'is 1000, the total is 1050' }] },
    }),
  );
});

it('a checkout has ended when it is an order, cancelled or expired, and not while a step is left', () => {
  expect(checkoutStatuses.filter(hasEnded)).toEqual(['confirmed', 'cancelled', 'expired']);
});
