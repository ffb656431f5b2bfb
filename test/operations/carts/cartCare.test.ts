import { randomUUID } from 'node:crypto';
import { CartCare } from '../../../src/operations/carts/cartCare';
import { Notifications } from '../../../src/operations/platform/notifications';
import { CartCountStore } from '../../../src/stores/carts/cartCounts';
import { CartStore } from '../../../src/stores/carts/carts';
import type { OnSkipped } from '../../../src/operations/platform/isolate';
import type { Db } from '../../../src/stores/dynamodb';
import { NotificationStore } from '../../../src/stores/platform/notifications';
import { isLongwatchError } from '../../../src/domain/errors';
import { buildShop } from '../../support/checkouts';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { type Fate, mortalDb } from '../../support/mortalDb';
import { type SeenCall, whileDenying, whileRefusing } from '../../support/refusals';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 5, 1, 12);
let dynamodb: TestDynamoDB;
let book: string;
beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
  ({ productId: book } = await shop().products.put({
    productId: `p-${randomUUID()}`,
    title: 'A book',
    price: 100,
    currency: 'EUR',
    stockOnHand: 5,
  }));
});
afterAll(() => dynamodb?.stop());

const shop = (now = START) => buildShop(dynamodb.db, () => now, { holdMs: HOUR });
const care = (db: Db, onSkipped?: OnSkipped) =>
  new CartCare(
    {
      carts: new CartStore(db),
      counts: new CartCountStore(db),
      notifications: new Notifications(new NotificationStore(db), []),
      unsubscribeLink: (userId) => `http://shop.test/${userId}`,
      db,
      ...(onSkipped && { onSkipped }),
    },
    { reminders: [HOUR, 24 * HOUR], abandonAfterMs: 48 * HOUR, quietHours: null },
  );
const totals = () => new CartCountStore(dynamodb.db).totals();
async function newCart(): Promise<string> {
  const user = `user-${randomUUID()}`;
  await shop().carts.change(user, { kind: 'set', productId: book, quantity: 1 });
  return user;
}

it.each([
  ['a reminder', HOUR, 'reminded'],
  ['an abandonment', 48 * HOUR, 'abandoned'],
] as const)('%s whose process dies before or after any of its requests happens once', async (_, after, counted) => {
  for (const fate of ['dies before', 'dies after'] as const)
    for (let deadly = 1, died = true; died; deadly++) {
      const [user, before] = [await newCart(), await totals()];
      died = false;
      let requests = 0;
      const fateOf = (): Fate => {
        if (++requests !== deadly) return 'lives';
        died = true;
        return fate;
      };
      const mortal = care(mortalDb(dynamodb.db, fateOf));
      await mortal.check(user, 1, START + after).catch((error: unknown) => {
        if (!isLongwatchError(error, 'unavailable')) throw error;
      });
      const again = await care(dynamodb.db).check(user, 1, START + after + 1_000);
      expect(again).toMatchObject(counted === 'reminded' ? { until: START + 24 * HOUR } : { ended: 'abandoned' });
      expect((await totals())[counted] - before[counted]).toBe(1);
      expect((await new NotificationStore(dynamodb.db).list(user)).items).toHaveLength(counted === 'reminded' ? 1 : 0);
    }
});

it('a reminder that meets the customer’s next step is not counted, and the cart lives on', async () => {
  const user = await newCart();
  const before = await totals();
  // The customer adds something when the message is out and its mark is not yet.
  let requests = 0;
  const busy: Db = {
    ...dynamodb.db,
    client: {
      send: async (...args: Parameters<Db['client']['send']>) => {
        if (++requests === 5)
          await shop(START + HOUR).carts.change(user, { kind: 'set', productId: book, quantity: 2 });
        return dynamodb.db.client.send(...args);
      },
    } as unknown as Db['client'],
  };
  expect(await care(busy).check(user, 1, START + HOUR)).toMatchObject({ until: START + 2 * HOUR });
  expect((await totals()).reminded).toBe(before.reminded);
  expect((await new CartStore(dynamodb.db).read(user))!).toMatchObject({
    number: 1,
    status: 'open',
    lines: [{ quantity: 2 }],
  });
});

describe('a reminder that can never be written down', () => {
  const reminding =
    (user: string) =>
    ({ operation, text }: SeenCall) =>
      operation === 'TransactWrite' && text.includes(user);

  it('is skipped, told and on the page; the cart’s next steps come as ever', async () => {
    const [user, other] = [await newCart(), await newCart()];
    const skipped: [string, unknown][] = [];
    const careful = care(dynamodb.db, (...one) => skipped.push(one));
    const [look, beside] = await whileRefusing(reminding(user), () =>
      Promise.all([careful.check(user, 1, START + HOUR), careful.check(other, 1, START + HOUR)]),
    );
    expect(look).toMatchObject({
      until: START + 24 * HOUR,
      next: 'reminder 2',
      page: expect.stringMatching(/Reminder 1 was skipped: DynamoDB cannot store it/),
    });
    expect(beside).toMatchObject({ until: START + 24 * HOUR, page: expect.not.stringContaining('skipped') });
    expect(skipped).toEqual([[`reminder 1 of the cart of ${user}`, expect.objectContaining({ type: 'refused' })]]);
    expect(await careful.check(user, 1, START + 24 * HOUR)).toMatchObject({
      until: START + 48 * HOUR,
      page: expect.not.stringContaining('skipped'),
    });
    expect(await careful.check(user, 1, START + 48 * HOUR)).toMatchObject({ ended: 'abandoned' });
  });

  it('because a grant is missing, is not skipped: the step fails as refused, and the workflow holds', async () => {
    const user = await newCart();
    await expect(
      whileDenying(reminding(user), () => care(dynamodb.db).check(user, 1, START + HOUR)),
    ).rejects.toMatchObject({ type: 'refused' });
    expect(await care(dynamodb.db).check(user, 1, START + HOUR)).toMatchObject({ until: START + 24 * HOUR });
  });
});
