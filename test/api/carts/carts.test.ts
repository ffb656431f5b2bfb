import { randomUUID } from 'node:crypto';
import request from 'supertest';
import { UnsubscribeLinks } from '../../../src/gateways/carts/unsubscribeLinks';
import { eventually } from '../../support/eventually';
import { bearer, startTestGraph, type TestGraph, type Who } from '../../support/graph';
import { cartOf, product } from '../../support/products';
import { TEST_SECRET } from '../../support/secret';
import { answerLinks } from '../../support/secret';

// Temporal is away: what is asked here is answered from DynamoDB alone.
let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ LONGWATCH_CAPABILITIES: 'carts', LONGWATCH_PRODUCT_CACHE_MS: '600000' });
});
afterAll(() => graph?.stop());

type Headers = Record<string, string>;
const ask = (
  method: 'get' | 'put' | 'post' | 'delete',
  path: string,
  body?: object,
  who: Who = 'service',
  headers: Headers = {},
) => {
  const asked = request(graph.app)
    [method](path)
    .set(...bearer(who))
    .set(headers);
  return body ? asked.send(body) : asked;
};
const put = (userId: string, productId: string, body: object, headers: Headers = {}) =>
  ask('put', `/v1/carts/${userId}/items/${productId}`, body, 'service', headers);
const cart = async (userId: string) => (await ask('get', `/v1/carts/${userId}`).expect(200)).body;
const quantities = async (userId: string) =>
  Object.fromEntries(
    (await cart(userId)).lines.map(({ productId, quantity }: { productId: string; quantity: number }) => [
      productId,
      quantity,
    ]),
  );
const newUser = () => `user-${randomUUID()}`;
const stats = async () => (await ask('get', '/v1/stats/carts').expect(200)).body;

describe('a cart', () => {
  it('begins with its first line, and shows what was put in beside what it is now', async () => {
    const [user, book] = [newUser(), await product(graph.app)];
    expect(await cart(user)).toEqual({ userId: user, cartNumber: 0, version: 0, status: 'empty', lines: [] });
    const { body, headers } = await put(user, book, { quantity: 2 }).expect(200);
    expect(headers['etag']).toBe('"1"');
    expect(body).toMatchObject({
      productId: book,
      quantity: 2,
      price: 1_999,
      current: { price: 1_999 },
      priceChanged: false,
    });
    expect(await cart(user)).toMatchObject({
      cartNumber: 1,
      version: 1,
      status: 'open',
      lines: [body],
      total: { amount: 3_998, currency: 'EUR' },
    });
    await ask('put', `/v1/products/${book}`, { title: 'A better book', price: 2_499, currency: 'EUR' }).expect(200);
    expect((await cart(user)).lines).toEqual([
      {
        productId: book,
        quantity: 2,
        title: 'A book',
        price: 1_999,
        currency: 'EUR',
        addedAt: expect.any(String),
        current: { title: 'A better book', price: 2_499, currency: 'EUR' },
        priceChanged: true,
      },
    ]);
    expect((await cart(user)).total).toEqual({ amount: 4_998, currency: 'EUR' });
  });

  it('changes a quantity to and by a number, at once by many, and under one key once', async () => {
    const book = await product(graph.app);
    const user = await cartOf(graph.app, { [book]: 1 });
    await Promise.all(Array.from({ length: 20 }, () => put(user, book, { add: 2 }).expect(200)));
    expect(await quantities(user)).toEqual({ [book]: 41 });
    await Promise.all(
      Array.from({ length: 5 }, () => put(user, book, { add: 3 }, { 'idempotency-key': 'k-1' }).expect(200)),
    );
    expect(await quantities(user)).toEqual({ [book]: 44 });
    // Still known after many others.
    for (let i = 0; i < 40; i++) await put(user, book, { add: 1 }, { 'idempotency-key': `n-${i}` }).expect(200);
    await put(user, book, { add: 1 }, { 'idempotency-key': 'n-39' }).expect(200);
    await put(user, book, { add: -4 }).expect(200);
    expect(await quantities(user)).toEqual({ [book]: 80 });
    await put(user, book, { quantity: 5 }).expect(200);
    expect(await quantities(user)).toEqual({ [book]: 5 });
  });

  it('is changed only from the version that was read, where one is named', async () => {
    const book = await product(graph.app);
    const user = await cartOf(graph.app, { [book]: 1 });
    const ifMatch = { 'if-match': '"1"' };
    expect((await put(user, book, { quantity: 2 }, ifMatch)).headers['etag']).toBe('"2"');
    const { body } = await put(user, book, { quantity: 3 }, ifMatch).expect(412);
    expect(body.detail).toContain('has version 2, not 1');
    await ask('delete', `/v1/carts/${user}/items/${book}`, undefined, 'service', ifMatch).expect(412);
    await ask('delete', `/v1/carts/${user}`, undefined, 'service', ifMatch).expect(412);
    await ask('post', `/v1/carts/${user}/checkout`, {}, 'service', ifMatch).expect(412);
    await put(user, book, { quantity: 3 }, { 'if-match': '2' }).expect(400);
    expect(await quantities(user)).toEqual({ [book]: 2 });
  });

  it('empties, and the next one has the next number', async () => {
    const [book, pen] = [await product(graph.app), await product(graph.app)];
    const user = await cartOf(graph.app, { [book]: 1, [pen]: 1 });
    // What is not there is gone already.
    for (let i = 0; i < 2; i++)
      expect((await ask('delete', `/v1/carts/${user}/items/${pen}`).expect(204)).headers['etag']).toBe('"3"');
    expect((await ask('delete', `/v1/carts/${user}/items/${book}`).expect(204)).headers['etag']).toBe('"4"');
    expect(await cart(user)).toMatchObject({ cartNumber: 1, status: 'emptied', lines: [], version: 4 });
    expect((await put(user, book, { quantity: 1 })).headers['etag']).toBe('"5"');
    expect(await cart(user)).toMatchObject({ cartNumber: 2, status: 'open', version: 5 });
    await ask('delete', `/v1/carts/${user}`).expect(204);
    await ask('delete', `/v1/carts/${user}`).expect(204);
    expect(await cart(user)).toMatchObject({ cartNumber: 2, status: 'emptied', lines: [] });
  });

  it('has limits, and says which', async () => {
    const book = await product(graph.app);
    const user = await cartOf(graph.app, { [book]: 990 });
    expect((await put(user, book, { add: 10 }).expect(409)).body.detail).toContain('has 990');
    await put(user, book, { add: 9 }).expect(200);
    expect((await put(user, book, { add: -999 }).expect(400)).body.errors).toHaveLength(1);
    expect((await put(user, 'nothing', { quantity: 1 }).expect(404)).body.detail).toContain('no product nothing');
    for (const body of [
      { quantity: 0 },
      { quantity: 1_000 },
      { quantity: 1.5 },
      { quantity: '1' },
      {},
      { add: 0 },
      { quantity: 1, add: 1 },
    ])
      expect((await put(user, book, body).expect(400)).body.errors[0].message).toMatch(/from (1|-998) to 999/);
    expect(await quantities(user)).toEqual({ [book]: 999 });
  });

  it('costs one request to DynamoDB a change and one a reading, when the product is at hand', async () => {
    const book = await product(graph.app);
    const user = await cartOf(graph.app, { [book]: 1 });
    // Readings of one item are left out of this count: the stores' tests have them.
    expect(await graph.callsOf(() => put(user, book, { add: 1 }).expect(200))).toEqual({ UpdateItem: 1 });
    expect(await graph.callsOf(() => cart(user))).toEqual({});
  });
});

describe('who may', () => {
  it('customers see and change their own cart and nobody else’s', async () => {
    const book = await product(graph.app);
    await ask('put', `/v1/carts/ada/items/${book}`, { quantity: 1 }, 'ada').expect(200);
    expect((await ask('get', '/v1/carts/ada', undefined, 'ada').expect(200)).body.lines).toHaveLength(1);
    const { body: checkout } = await ask('post', '/v1/carts/ada/checkout', {}, 'ada').expect(201);
    const other = await cartOf(graph.app, { [book]: 1 });
    const { body: others } = await ask('post', `/v1/carts/${other}/checkout`, {}).expect(201);
    for (const [method, path, body] of [
      ['get', `/v1/carts/${other}`],
      ['delete', `/v1/carts/${other}`],
      ['put', `/v1/carts/${other}/items/${book}`, { quantity: 1 }],
      ['delete', `/v1/carts/${other}/items/${book}`],
      ['post', `/v1/carts/${other}/checkout`, {}],
      ['get', `/v1/checkouts/${others.checkoutId}`],
      ['post', `/v1/checkouts/${others.checkoutId}/cancel`, {}],
      ['get', `/v1/carts/${other}/preferences`],
      ['get', `/v1/carts/${other}/orders`],
      // Whoever could confirm need not pay; whoever could name a guest could take anybody's cart.
      ['post', `/v1/checkouts/${checkout.checkoutId}/confirm`, { paymentReference: 'p' }],
      ['post', '/v1/carts/ada/merge', { guestId: other }],
      ['put', `/v1/products/${book}`, {}],
    ] as const)
      await ask(method, path, body, 'ada').expect(403);
    await ask('get', `/v1/products/${book}`, undefined, 'ada').expect(200);
    await ask('post', `/v1/checkouts/${checkout.checkoutId}/cancel`, undefined, 'ada').expect(200);
  });
});

describe('a guest’s cart at login', () => {
  it.each([
    ['sum', 5],
    ['max', 3],
    ['keep', 2],
  ] as const)('merges by %s, once', async (policy, expected) => {
    const [both, guests] = [await product(graph.app), await product(graph.app)];
    const [user, guest] = [await cartOf(graph.app, { [both]: 2 }), await cartOf(graph.app, { [both]: 3, [guests]: 4 })];
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => ask('post', `/v1/carts/${user}/merge`, { guestId: guest, policy })),
    );
    for (const { status, body } of answers)
      expect([status, body.merged]).toEqual([200, { added: 1, combined: 1, clamped: [] }]);
    expect(await quantities(user)).toEqual({ [both]: expected, [guests]: 4 });
    expect(await cart(guest)).toMatchObject({ status: 'merged', lines: [] });
    expect((await ask('post', `/v1/carts/${newUser()}/merge`, { guestId: guest }).expect(409)).body.detail).toContain(
      'was merged into another user',
    );
    // What a guest puts in later is another cart.
    await put(guest, guests, { quantity: 1 }).expect(200);
    await ask('post', `/v1/carts/${user}/merge`, { guestId: guest }).expect(200);
    expect((await quantities(user))[guests]).toBe(5);
  });

  it('tells what it kept less of, refuses what would be too many lines, and takes nothing from nobody', async () => {
    const book = await product(graph.app);
    const [user, guest] = [await cartOf(graph.app, { [book]: 900 }), await cartOf(graph.app, { [book]: 200 })];
    const { body } = await ask('post', `/v1/carts/${user}/merge`, { guestId: guest }).expect(200);
    expect(body.merged.clamped).toEqual([{ productId: book, wanted: 1_100, kept: 999 }]);
    expect(body.cart.lines[0].quantity).toBe(999);
    expect((await ask('post', `/v1/carts/${user}/merge`, { guestId: newUser() }).expect(200)).body.merged).toEqual({
      added: 0,
      combined: 0,
      clamped: [],
    });
    await ask('post', `/v1/carts/${user}/merge`, { guestId: guest, policy: 'most' }).expect(400);
    expect((await ask('post', `/v1/carts/${user}/merge`, { guestId: user }).expect(400)).body.errors[0].field).toBe(
      'guestId',
    );
  });
});

describe('products', () => {
  it('are changed from the version that was read, and adjusted once a key', async () => {
    const book = await product(graph.app, { stockOnHand: 5 });
    const { headers } = await ask('get', `/v1/products/${book}`).expect(200);
    expect(headers['etag']).toBe('"1"');
    await ask('put', `/v1/products/${book}`, { title: 'B', price: 1, currency: 'EUR' }, 'service', {
      'if-match': '"1"',
    }).expect(200);
    await ask('put', `/v1/products/${book}`, { title: 'C', price: 1, currency: 'EUR' }, 'service', {
      'if-match': '"1"',
    }).expect(412);
    const adjust = (by: number, key: string) =>
      ask('post', `/v1/products/${book}/stock`, { adjust: by }, 'service', { 'idempotency-key': key });
    await Promise.all([adjust(7, 'delivery'), adjust(7, 'delivery'), adjust(7, 'delivery')]);
    expect((await adjust(-2, 'broken').expect(200)).body.stock).toEqual({ onHand: 10, held: 0, sold: 0 });
    expect((await adjust(-11, 'stolen').expect(409)).body.detail).toContain('has 10 on hand');
    await ask('post', `/v1/products/${book}/stock`, { adjust: 1 }).expect(428);
    await ask('post', '/v1/products/none/stock', { adjust: 1 }, 'service', { 'idempotency-key': 'x' }).expect(404);
    await ask('get', '/v1/products/none').expect(404);
  });

  it.each([
    [{ title: '', price: 1, currency: 'EUR' }, 'title'],
    [{ title: 'x', price: -1, currency: 'EUR' }, 'price'],
    [{ title: 'x', price: 1.5, currency: 'EUR' }, 'price'],
    [{ title: 'x', price: 1, currency: 'EURO' }, 'currency'],
    [{ title: 'x', price: 1, currency: 'EUR', stockOnHand: -1 }, 'stockOnHand'],
  ])('%j is refused, naming %s', async (body, field) => {
    expect((await ask('put', `/v1/products/p-${randomUUID()}`, body).expect(400)).body.errors).toEqual([
      { field, message: expect.any(String) },
    ]);
  });
});

describe('wishes about reminders', () => {
  it('are kept, checked, and ended by the link in a reminder, which looking at does not', async () => {
    const user = newUser();
    const path = `/v1/carts/${user}/preferences`;
    expect((await ask('get', path).expect(200)).body).toEqual({ reminders: true, timeZone: 'UTC' });
    await ask('put', path, {
      timeZone: 'Europe/Berlin',
      recipient: 'ada@example.org',
      quietHours: '20:00-09:30',
    }).expect(200);
    expect(
      (await ask('put', path, { timeZone: 'Middle/Earth', quietHours: '25:00-1' }).expect(400)).body.errors.map(
        ({ field }: { field: string }) => field,
      ),
    ).toEqual(['timeZone', 'quietHours']);
    const link = new UnsubscribeLinks(TEST_SECRET, () => '').link(user, Date.now());
    const shown = await request(graph.app).get(link).expect(200);
    expect(shown.text).toContain('<form method="post">');
    expect((await ask('get', path)).body.reminders).toBe(true);
    await request(graph.app).post(link).expect(200);
    await request(graph.app).post(link).expect(200);
    expect((await ask('get', path)).body).toEqual({
      reminders: false,
      timeZone: 'Europe/Berlin',
      recipient: 'ada@example.org',
      quietHours: '20:00-09:30',
    });
    await request(graph.app)
      .get(
        answerLinks
          .link('tx-1', Date.now() + 1_000)
          .replace('http://longwatch.test/v1/alerts', '/v1/unsubscribe')
          .replace('/answer', ''),
      )
      .expect(404);
  });
});

it('counts what shops watch', async () => {
  const before = await stats();
  const book = await product(graph.app);
  const [user, guest] = [await cartOf(graph.app, { [book]: 1 }), await cartOf(graph.app, { [book]: 1 })];
  await ask('post', `/v1/carts/${user}/merge`, { guestId: guest }).expect(200);
  const emptied = await cartOf(graph.app, { [book]: 1 });
  await ask('delete', `/v1/carts/${emptied}`).expect(204);
  const after = await stats();
  const change = Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, (value as number) - before[name]]),
  );
  expect(change).toEqual({
    open: 1,
    opened: 3,
    reminded: 0,
    recovered: 0,
    abandoned: 0,
    ordered: 0,
    emptied: 1,
    merged: 1,
  });
  // A scrape does not wait for a table that is slow to answer.
  await eventually(
    () => request(graph.app).get('/metrics'),
    ({ text }) => text.includes(`longwatch_carts{what="opened"} ${after.opened}`),
  );
});
