import { randomUUID } from 'node:crypto';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { reservedNames } from '../../../src/domain/edge/names';
import { CartCare } from '../../../src/operations/carts/cartCare';
import { Notifications } from '../../../src/operations/platform/notifications';
import { CartCountStore } from '../../../src/stores/carts/cartCounts';
import { CartStore } from '../../../src/stores/carts/carts';
import { NotificationStore } from '../../../src/stores/platform/notifications';
import type { OutboxEntry, WorkflowStart } from '../../../src/domain/platform/outbox';
import { buildShop } from '../../support/checkouts';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';

// An earlier release took product ids that objects do not keep. What it stored under them, which no request reaches any
// more, stops no
// cart and no checkout. The rows are written here as that release wrote them.

const HOUR = 3_600_000;
const START = Date.UTC(2026, 5, 1, 12);
let dynamodb: TestDynamoDB;
let now = START;
const started: OutboxEntry[] = [];
const shop = () =>
  buildShop(
    dynamodb.db,
    () => now,
    { holdMs: HOUR },
    (entry) => started.push(entry),
  );
const care = () =>
  new CartCare(
    {
      carts: new CartStore(dynamodb.db),
      counts: new CartCountStore(dynamodb.db),
      notifications: new Notifications(new NotificationStore(dynamodb.db), []),
      unsubscribeLink: (userId) => `http://shop.test/${userId}`,
      db: dynamodb.db,
    },
    { reminders: [HOUR, 24 * HOUR], abandonAfterMs: 48 * HOUR, quietHours: null },
  );
beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
  // As odd products are products like others, whose ids are values.
  for (const productId of ['book', ...reservedNames])
    await shop().products.put({
      productId,
      title: `The ${productId}`,
      price: 100,
      currency: 'EUR',
      stockOnHand: 1_000,
    });
});
afterAll(() => dynamodb?.stop());
beforeEach(() => {
  now = START;
  started.length = 0;
});

const table = () => dynamodb.db.table('ShoppingCart');
/** A cart with a book and, as an update expression names it, an odd product. */
async function cartWith(productId: string, { isAlone = false } = {}): Promise<string> {
  const user = `user-${randomUUID()}`;
  await shop().carts.change(user, { kind: 'set', productId: 'book', quantity: 1 });
  const names = { '#p': productId, '#book': 'book' };
  await dynamodb.db.client.send(
    new UpdateCommand({
      TableName: table(),
      Key: { UserID: user, Entry: 'cart' },
      UpdateExpression:
        'SET Quantities.#p = :two, Snapshots.#p = ' +
        `:snapshot${isAlone ? ' REMOVE Quantities.#book, Snapshots.#book' : ''}`,
      ExpressionAttributeNames: isAlone ? names : { '#p': productId },
      ExpressionAttributeValues: { ':two': 2, ':snapshot': JSON.stringify([`The ${productId}`, 100, 'EUR', START]) },
    }),
  );
  return user;
}
const both = reservedNames.flatMap((productId) => [
  [productId, 'beside a book', false] as const,
  [productId, 'alone', true] as const,
]);

it.each(both)('a cart with %s %s is reminded, and abandoned at last', async (productId, _, isAlone) => {
  const user = await cartWith(productId, { isAlone });
  const look = await care().check(user, 1, START + HOUR);
  expect(look).toMatchObject({ until: START + 24 * HOUR });
  expect(look.page.includes('are unreadable')).toBe(isAlone && productId === '__proto__');
  expect((await new NotificationStore(dynamodb.db).list(user)).items).toHaveLength(1);
  expect(await care().check(user, 1, START + 48 * HOUR)).toMatchObject({ ended: 'abandoned' });
  // The client loses only `__proto__`: lines of all other ids stay.
  expect((await shop().store.read(user))!.lines.map((line) => [line.productId, line.quantity])).toEqual([
    ...(isAlone ? [] : [['book', 1]]),
    ...(productId === '__proto__' ? [] : [[productId, 2]]),
  ]);
});

it.each(both)('a cart with %s %s can be changed and emptied', async (productId, _, isAlone) => {
  const user = await cartWith(productId, { isAlone });
  expect(await shop().carts.change(user, { kind: 'set', productId: 'book', quantity: 3 })).toMatchObject({
    line: { quantity: 3 },
  });
  await shop().carts.empty(user);
  expect(await shop().store.read(user)).toMatchObject({ status: 'emptied', lines: [] });
});

it.each(both)(
  'a checkout of a cart with %s %s holds what can be read, and sells it; with nothing to sell it says so',
  async (productId, _, isAlone) => {
    const user = await cartWith(productId, { isAlone });
    const { checkouts, checkoutStore, store } = shop();
    const lines = (await store.read(user))!.lines;
    if (lines.length === 0) {
      await expect(checkouts.begin(user, {})).rejects.toMatchObject({
        type: 'conflict',
        message: expect.stringContaining('has no product that can be sold'),
      });
      expect(started.filter(({ payload }) => (payload as WorkflowStart).workflowType === 'checkout')).toEqual([]);
      return;
    }
    const { checkout } = await checkouts.begin(user, {});
    expect(await checkoutStore.find(checkout.checkoutId)).toMatchObject({
      status: 'held',
      lines: lines.map(({ quantity }) => ({ quantity })),
    });
    expect(await checkouts.confirm(checkout.checkoutId, 'pay-1')).toMatchObject({ status: 'confirmed' });
    expect(await store.read(user)).toMatchObject({ status: 'ordered', lines: [] });
  },
);

it.each(both)(
  'a checkout of a cart with %s %s whose hold is over expires, and another may follow',
  async (productId, _, isAlone) => {
    const user = await cartWith(productId, { isAlone });
    if ((await shop().store.read(user))!.lines.length === 0) return;
    const { checkout } = await shop().checkouts.begin(user, {});
    now = checkout.holdUntil + 1;
    expect(await shop().checkouts.finish(checkout.checkoutId, now)).toMatchObject({ status: 'expired' });
    expect((await shop().checkouts.begin(user, {})).begun).toBe(true);
  },
);

it.each(both)('a guest’s cart with %s %s goes into a user’s', async (productId, _, isAlone) => {
  const guest = await cartWith(productId, { isAlone });
  const user = `user-${randomUUID()}`;
  await shop().carts.change(user, { kind: 'set', productId: 'book', quantity: 1 });
  await shop().carts.merge(user, guest, 'sum');
  const lines = (await shop().store.read(user))!.lines.map((line) => [line.productId, line.quantity]);
  expect(lines).toEqual([['book', isAlone ? 1 : 2], ...(productId === '__proto__' ? [] : [[productId, 2]])]);
});
