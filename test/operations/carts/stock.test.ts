import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { type Checkout, statusAt } from '../../../src/domain/carts/checkout';
import { stockAt } from '../../../src/domain/carts/stock';
import { isLongwatchError, LongwatchError } from '../../../src/domain/errors';
import { Random } from '../../../src/domain/fraud/random';
import { buildShop } from '../../support/checkouts';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { type Fate, mortalDb } from '../../support/mortalDb';

let dynamodb: TestDynamoDB;
beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
});
afterAll(() => dynamodb?.stop());

const HOLD_MS = 400_000;
/** That much passes whenever somebody looks at the clock. */
const TICK_MS = 50;
/** So that a checkout of five lines takes three transactions. */
const PART_LINES = 2;

it('stock: on hand, held and sold are what was delivered, each order has its hold, no hold is left over', async () => {
  let deaths = 0;
  let confirmed = 0;
  let lost = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 2, max: 6 }), async (seed, buyers) => {
      const generator = new Random(seed);
      const random = () => generator.next();
      const upTo = (max: number) => Math.floor(random() * max);
      let time = 1_000_000;
      const now = () => (time += TICK_MS);
      const fateOf = (): Fate => {
        const fate = random();
        if (fate < 0.08) deaths++;
        return fate < 0.04 ? 'dies before' : fate < 0.08 ? 'dies after' : 'lives';
      };
      const shop = buildShop(mortalDb(dynamodb.db, fateOf), now, { holdMs: HOLD_MS, partLines: PART_LINES });
      const calm = buildShop(dynamodb.db, now, { holdMs: HOLD_MS, partLines: PART_LINES });
      const products = await Promise.all(
        Array.from({ length: 5 }, async () => {
          const delivered = 3 + upTo(8);
          const { productId } = await calm.products.put({
            productId: `p-${randomUUID()}`,
            title: 'x',
            price: 100,
            currency: 'EUR',
            stockOnHand: delivered,
          });
          return { productId, delivered };
        }),
      );
      const ids = products.map(({ productId }) => productId);
      /** Always true, also in the middle of everything. */
      const check = async () => {
        const found = new Map((await calm.products.read(ids, { consistent: true })).map((one) => [one.productId, one]));
        for (const { productId, delivered } of products) {
          const { onHand, held, sold } = stockAt(found.get(productId)!.stock, now());
          expect(onHand + held + sold).toBe(delivered);
          expect(Math.min(onHand, held, sold)).toBeGreaterThanOrEqual(0);
        }
        return found;
      };
      const checkouts: string[] = [];
      const paid: { checkoutId: string; reference: string; user: string }[] = [];
      /** As callers do: the same request again while the answer is that it may be tried again. */
      const again = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
        for (let attempt = 1; ; attempt++)
          try {
            return await work();
          } catch (error) {
            if (!isLongwatchError(error) || attempt > 200) throw error;
            if (error.final) return undefined;
          }
      };
      const buyer = async () => {
        const user = `u-${randomUUID()}`;
        for (let round = 0; round < 2; round++) {
          for (const productId of ids)
            if (random() < 0.7)
              await again(() => shop.carts.change(user, { kind: 'set', productId, quantity: 1 + upTo(3) }));
          const checkoutId = `c-${randomUUID()}`;
          checkouts.push(checkoutId);
          // Some never come back after a death.
          const patience = random() < 0.8;
          const begun = await (patience
            ? again(() => shop.checkouts.begin(user, { checkoutId }))
            : shop.checkouts.begin(user, { checkoutId }).catch(() => undefined));
          // Mostly at the same time as others, whose holds then end at the same instant.
          if (random() < 0.3) time += upTo(HOLD_MS);
          await check();
          if (!begun) continue;
          const what = random();
          if (what < 0.6) {
            const references = [`r-${randomUUID()}`, ...(random() < 0.3 ? [`r-${randomUUID()}`] : [])];
            for (const reference of references) paid.push({ checkoutId: begun.checkout.checkoutId, reference, user });
            if (random() < 0.2) time += HOLD_MS;
            // Each is sent twice at once, now and then.
            const sent = references.flatMap((reference) => (random() < 0.5 ? [reference, reference] : [reference]));
            await Promise.all(
              sent.map((reference) => again(() => shop.checkouts.confirm(begun.checkout.checkoutId, reference))),
            );
          } else if (what < 0.8)
            await (patience
              ? again(() => shop.checkouts.cancel(begun.checkout.checkoutId))
              : shop.checkouts.cancel(begun.checkout.checkoutId).catch(() => undefined));
          else if (what < 0.9)
            await Promise.all([
              again(() => shop.checkouts.cancel(begun.checkout.checkoutId)),
              again(() => shop.checkouts.finish(begun.checkout.checkoutId, now())),
            ]);
          await check();
        }
      };
      await Promise.all(Array.from({ length: buyers }, buyer));

      // Every hold is over, and the workflows have come.
      time += 10 * HOLD_MS;
      await check();
      for (const checkoutId of checkouts) await again(() => shop.checkouts.finish(checkoutId, now()));
      const found = await check();
      const sold = new Map<string, number>();
      for (const checkoutId of checkouts) {
        const checkout = await calm.checkoutStore.find(checkoutId);
        if (!checkout) continue;
        expect(['confirmed', 'cancelled', 'expired']).toContain(statusAt(checkout, now()));
        const { items: orders } = await calm.checkoutStore.orders(checkout.userId);
        const own = orders.filter((order) => order.checkoutId === checkoutId);
        expect(own).toHaveLength(checkout.status === 'confirmed' ? 1 : 0);
        if (checkout.status !== 'confirmed') continue;
        confirmed++;
        expect(own[0]).toMatchObject({
          lines: checkout.lines,
          paymentReference: checkout.paymentReference,
          orderId: checkout.orderId,
        });
        for (const { productId, quantity } of checkout.lines)
          sold.set(productId, (sold.get(productId) ?? 0) + quantity);
      }
      for (const { productId } of products) {
        const { held, sold: of } = stockAt(found.get(productId)!.stock, now());
        expect(held).toBe(0);
        expect(of).toBe(sold.get(productId) ?? 0);
      }
      // Each payment has its order, or is on record to be given back.
      const { items: due } = await calm.refunds.page('due', { limit: 200 });
      for (const { checkoutId, reference } of paid) {
        const has =
          (await calm.checkoutStore.find(checkoutId))?.paymentReference === reference &&
          (await calm.checkoutStore.find(checkoutId))?.status === 'confirmed';
        const isDue = due.some((refund) => refund.paymentReference === reference);
        expect([reference, has, isDue]).toEqual([reference, has, !has]);
        if (isDue) lost++;
      }
    }),
    { numRuns: 8 },
  );
  // It was not quiet.
  expect(deaths).toBeGreaterThan(10);
  expect(confirmed).toBeGreaterThan(2);
  expect(lost).toBeGreaterThan(0);
});

describe('a hold that ends while it is paid', () => {
  const settings = { holdMs: HOLD_MS, partLines: PART_LINES };
  /** A checkout of so many products, one of each, held until the time that comes with it. */
  async function held(lines: number) {
    const clock = { now: 1_000_000 };
    const now = () => clock.now;
    const shop = buildShop(dynamodb.db, now, settings);
    const user = `u-${randomUUID()}`;
    const ids = await Promise.all(
      Array.from(
        { length: lines },
        async () =>
          (
            await shop.products.put({
              productId: `p-${randomUUID()}`,
              title: 'x',
              price: 100,
              currency: 'EUR',
              stockOnHand: 10,
            })
          ).productId,
      ),
    );
    for (const productId of ids) await shop.carts.change(user, { kind: 'set', productId, quantity: 1 });
    const { checkout } = await shop.checkouts.begin(user, {});
    return { shop, now, clock, checkout, ids };
  }
  /** The shop of a process whose transactions are told of before they are sent. */
  const watched = (now: () => number, before: (n: number) => Promise<void>) => {
    let transactions = 0;
    const send = async (...args: Parameters<TestDynamoDB['db']['client']['send']>) => {
      if (args[0].constructor.name === 'TransactWriteCommand') await before(++transactions);
      return dynamodb.db.client.send(...args);
    };
    return buildShop({ ...dynamodb.db, client: { send } as unknown as TestDynamoDB['db']['client'] }, now, settings);
  };
  const outcome = (work: Promise<Checkout>) =>
    work.then(
      ({ status }) => status,
      (error: LongwatchError) => error.type,
    );

  it('whoever is told to refund the payment gets no order by the copy of the request that was in time', async () => {
    const { shop, now, clock, checkout } = await held(1);
    let told: string | undefined;
    const inTime = watched(now, async () => {
      clock.now = checkout.holdUntil;
      told ??= await outcome(shop.checkouts.confirm(checkout.checkoutId, 'pay'));
    });
    expect(await outcome(inTime.checkouts.confirm(checkout.checkoutId, 'pay'))).toBe('refundDue');
    expect(told).toBe('refundDue');
    expect(await shop.checkoutStore.find(checkout.checkoutId)).toMatchObject({ status: 'expired' });
  });

  it(
    'half sold: all of it goes back, and the payment is on record to be refunded, even where the process dies ' +
      'before the last step',
    async () => {
      const { shop, now, clock, checkout, ids } = await held(3);
      const dying = watched(now, async (n) => {
        // One part was sold; the hold of the other ends, and another buyer takes it back; the first part is unsold, and
        // then it is over.
        if (n === 2) {
          clock.now = checkout.holdUntil;
          for (const product of await shop.products.read(ids, { consistent: true }))
            await shop.products.returnExpiredHolds(product, clock.now);
        }
        if (n === 4) throw new LongwatchError('unavailable', 'died');
      });
      expect(await outcome(dying.checkouts.confirm(checkout.checkoutId, 'pay'))).toBe('unavailable');
      expect(await shop.checkoutStore.find(checkout.checkoutId)).toMatchObject({ status: 'confirming', partsDone: 0 });
      expect(await shop.checkouts.finish(checkout.checkoutId, clock.now)).toMatchObject({ status: 'expired' });
      const { items: due } = await shop.refunds.page('due', { limit: 200 });
      expect(due.filter(({ checkoutId }) => checkoutId === checkout.checkoutId)).toMatchObject([
        { paymentReference: 'pay', reason: expect.stringContaining('before all lines were sold') },
      ]);
      for (const { stock } of await shop.products.read(ids, { consistent: true }))
        expect(stock).toEqual({ onHand: 10, holds: expect.anything(), sold: 0 });
      expect(await outcome(shop.checkouts.confirm(checkout.checkoutId, 'pay'))).toBe('refundDue');
    },
  );
});
