import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Cart } from '../../../src/domain/carts/cart';
import { changeCart, type LineChange } from '../../../src/domain/carts/cartChanges';
import { engines } from '../../../src/local/dynamodb';
import { CartCountStore } from '../../../src/stores/carts/cartCounts';
import { transact } from '../../../src/stores/transact';
import { buildShop } from '../../support/checkouts';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { type Fate, mortalDb } from '../../support/mortalDb';

const HOLD_MS = 900_000;
const newUser = () => `user-${randomUUID()}`;

describe.each(engines)('on %s', (engine) => {
  let dynamodb: TestDynamoDB;
  let shop: ReturnType<typeof buildShop>;
  let time = 1_800_000_000_000;
  beforeAll(async () => {
    dynamodb = await startTestDynamoDB(engine);
    shop = buildShop(dynamodb.db, () => time, { holdMs: HOLD_MS });
  });
  afterAll(() => dynamodb?.stop());

  /** DynamoDB Local counts the items of one table in a transaction as if they were one. */
  const counted = (units: number, locally: number) => (engine === 'dynoxide' ? units : locally);
  const newProduct = async (stockOnHand = 10) =>
    (
      await shop.products.put({
        productId: `product-${randomUUID()}`,
        title: 'A book of forty characters, or nearly so',
        price: 1_999,
        currency: 'EUR',
        stockOnHand,
      })
    ).productId;
  const set = (userId: string, productId: string, quantity: number) =>
    shop.carts.change(userId, { kind: 'set', productId, quantity });
  const stockOf = async (id: string) => (await shop.products.read([id], { consistent: true }))[0]!.stock;
  async function cartOf(lines: number): Promise<{ user: string; products: string[] }> {
    const [user, products] = [newUser(), await Promise.all(Array.from({ length: lines }, () => newProduct()))];
    for (const id of products) await set(user, id, 1);
    return { user, products };
  }

  describe('carts', () => {
    it('are read as they were written', async () => {
      const { user, products } = await cartOf(2);
      const cart = await shop.store.read(user);
      expect(cart).toEqual({
        userId: user,
        number: 1,
        version: 2,
        status: 'open',
        openedAt: time,
        lastActivityAt: time,
        lines: products.toSorted().map((productId) => ({
          productId,
          quantity: 1,
          title: 'A book of forty characters, or nearly so',
          price: 1_999,
          currency: 'EUR',
          addedAt: time,
        })),
        keys: {},
      });
      const rich: Cart = {
        ...cart!,
        version: 3,
        reminded: { rung: 2, at: 5 },
        checkoutId: 'c',
        lastClosed: { number: 1, how: 'recovered' },
        merged: { into: 'x', report: { added: 1, combined: 0, clamped: [] } },
        keys: { k: 3 },
      };
      expect(await transact(dynamodb.db, { cart: shop.store.replacing(cart, rich) })).toBeUndefined();
      expect(await shop.store.read(user)).toEqual(rich);
      // Whoever read before is too late.
      const late = await transact(dynamodb.db, { cart: shop.store.replacing(cart, rich) });
      expect([...late!.lost.keys()]).toEqual(['cart']);
    });

    it('one update does what the domain says, whatever is asked for', async () => {
      const productIds = [await newProduct(), await newProduct(), await newProduct()];
      const product = { title: 'A book of forty characters, or nearly so', price: 1_999, currency: 'EUR' };
      const change = fc.record({
        kind: fc.constantFrom('set', 'add', 'remove'),
        productId: fc.constantFrom(...productIds),
        quantity: fc.constantFrom(1, 2, 500, 999),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 12 }), async (changes) => {
          const userId = newUser();
          let expected: Cart | undefined;
          for (const one of changes as LineChange[]) {
            time += 1_000;
            let refused = false;
            try {
              expected = changeCart(expected, one, { userId, now: time, product })?.cart ?? expected;
            } catch {
              refused = true;
            }
            const done = shop.carts.change(userId, one);
            if (refused) await expect(done).rejects.toMatchObject({ type: 'conflict' });
            else await done;
          }
          const found = await shop.store.read(userId);
          // The keys under which the SDK's own repetitions are told are not the domain's.
          expect(found && { ...found, keys: {} }).toEqual(expected && { ...expected, keys: {} });
        }),
        { numRuns: 10 },
      );
    });

    it('cost what the docs say: one request of one item', async () => {
      const { user, products } = await cartOf(5);
      const [book] = products;
      const productUnits = 0.5;
      expect(await dynamodb.unitsOf(() => set(user, book!, 3))).toEqual({ read: productUnits, write: 1 });
      expect(dynamodb.calls.map(({ operation }) => operation)).toEqual(['BatchGetItem', 'UpdateItem']);
      expect((await dynamodb.unitsOf(() => shop.store.read(user))).read).toBe(1);
      expect(dynamodb.calls).toHaveLength(1);
      expect(
        (await dynamodb.unitsOf(() => shop.store.change(user, { kind: 'remove', productId: book! }, { now: time })))
          .write,
      ).toBe(1);
      // The first line: the cart, its count and the start that it owes, in one transaction.
      const first = await dynamodb.unitsOf(() => set(newUser(), book!, 1));
      expect(first.write).toBe(6);
    });

    it('a guest’s cart goes once, however the processes die', async () => {
      const { user, products } = await cartOf(3);
      const guest = newUser();
      for (const id of products) await set(guest, id, 2);
      // Written, and the answer lost.
      const fates: Fate[] = ['lives', 'lives', 'dies after'];
      const dying = buildShop(
        mortalDb(dynamodb.db, () => fates.shift() ?? 'lives'),
        () => time,
        { holdMs: HOLD_MS },
      );
      await expect(dying.carts.merge(user, guest, 'sum')).rejects.toThrow('dies after TransactWriteCommand');
      expect(await shop.carts.merge(user, guest, 'sum')).toEqual({ added: 0, combined: 3, clamped: [] });
      expect((await shop.store.read(user))!.lines.map(({ quantity }) => quantity)).toEqual([3, 3, 3]);
    });

    it('are counted', async () => {
      const counts = new CartCountStore(dynamodb.db);
      const before = await counts.totals();
      const { user } = await cartOf(1);
      await cartOf(1);
      await shop.carts.empty(user);
      const after = await counts.totals();
      expect([after.opened - before.opened, after.closed - before.closed, after.emptied - before.emptied]).toEqual([
        2, 1, 1,
      ]);
    });
  });

  describe('stock', () => {
    it('of an ended hold is the next buyer’s, though nobody has written down that it ended', async () => {
      const book = await newProduct(3);
      const [first, second] = [newUser(), newUser()];
      for (const user of [first, second]) await set(user, book, 3);
      const { checkout } = await shop.checkouts.begin(first, {});
      await expect(shop.checkouts.begin(second, {})).rejects.toMatchObject({
        type: 'insufficientStock',
        detail: { members: { shortages: [{ productId: book, wanted: 3, available: 0 }] } },
      });
      time = checkout.holdUntil;
      const { checkout: next } = await shop.checkouts.begin(second, {});
      expect(await stockOf(book)).toEqual({ onHand: 0, holds: { [next.holdUntil]: 3 }, sold: 0 });
      await expect(shop.checkouts.confirm(checkout.checkoutId, 'late')).rejects.toMatchObject({ type: 'refundDue' });
      await shop.checkouts.confirm(next.checkoutId, 'in time');
      expect(await stockOf(book)).toEqual({ onHand: 0, holds: { [next.holdUntil]: 0 }, sold: 3 });
    });

    it('is right also when a confirming process’s clock is slow: the product’s own item decides', async () => {
      const book = await newProduct(3);
      const [first, second] = [newUser(), newUser()];
      for (const user of [first, second]) await set(user, book, 3);
      const { checkout } = await shop.checkouts.begin(first, {});
      const slow = buildShop(dynamodb.db, () => checkout.holdUntil - 60_000, { holdMs: HOLD_MS });
      time = checkout.holdUntil + 1;
      await shop.checkouts.begin(second, {});
      await expect(slow.checkouts.confirm(checkout.checkoutId, 'slow')).rejects.toMatchObject({ type: 'refundDue' });
      expect((await shop.checkoutStore.find(checkout.checkoutId))!.status).toBe('expired');
    });

    it('keeps a product’s item small however many checkouts hold it', async () => {
      const book = await newProduct(1_000);
      for (let i = 0; i < 60; i++) {
        const user = newUser();
        await set(user, book, 1);
        await shop.checkouts.begin(user, {});
        time += HOLD_MS / 15;
      }
      const { holds } = await stockOf(book);
      expect(Object.keys(holds).length).toBeLessThanOrEqual(22);
    });

    it('fifty buyers of seven: seven have one', async () => {
      const book = await newProduct(7);
      const buyers = Array.from({ length: 50 }, newUser);
      await Promise.all(buyers.map((user) => set(user, book, 1)));
      const again = async (user: string): Promise<boolean> => {
        for (;;)
          try {
            await shop.checkouts.begin(user, {});
            return true;
          } catch (error) {
            const { type } = error as { type: string };
            if (type === 'insufficientStock') return false;
            if (type !== 'contention') throw error;
          }
      };
      const had = await Promise.all(buyers.map(again));
      expect(had.filter(Boolean)).toHaveLength(7);
      const { onHand, holds } = await stockOf(book);
      expect([onHand, Object.values(holds).reduce((sum, held) => sum + held, 0)]).toEqual([0, 7]);
    });

    it('a checkout of three lines costs what the docs say', async () => {
      const { user } = await cartOf(3);
      const begun = await dynamodb.unitsOf(() => shop.checkouts.begin(user, { checkoutId: `c-${randomUUID()}` }));
      expect(dynamodb.calls.map(({ operation }) => operation)).toEqual([
        'GetItem',
        'GetItem',
        'BatchGetItem',
        'TransactWriteItems',
      ]);
      // Checkout, start, cart's mark and three products, each twice for the transaction.
      expect(begun.write).toBe(counted(12, 8));
      const { checkoutId } = (await shop.store.read(user))!;
      const confirmed = await dynamodb.unitsOf(() => shop.checkouts.confirm(checkoutId!, 'pay'));
      expect(dynamodb.calls.map(({ operation }) => operation)).toEqual(['GetItem', 'GetItem', 'TransactWriteItems']);
      // Checkout, order, cart, its count and three products.
      expect(confirmed.write).toBe(counted(14, 10));
    });
  });
});
