import { randomUUID } from 'node:crypto';
import request from 'supertest';
import { readConfig } from '../../../src/graph/config';
import { inLanes } from '../../../src/domain/lanes';
import { bearer, startTestGraph, type TestGraph, type Who } from '../../support/graph';
import { checkoutsAt } from '../../support/checkouts';
import { cartOf, product } from '../../support/products';

// Temporal is away: stock is right all the same.
let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ LONGWATCH_CAPABILITIES: 'carts' });
});
afterAll(() => graph?.stop());

const HOLD_MS = readConfig({}).LONGWATCH_CHECKOUT_HOLD_MS;
const ask = (
  method: 'get' | 'put' | 'post' | 'delete',
  path: string,
  body?: object,
  headers: Record<string, string> = {},
  who: Who = 'service',
) => {
  const asked = request(graph.app)
    [method](path)
    .set(...bearer(who))
    .set(headers);
  return body ? asked.send(body) : asked;
};
const stock = async (id: string) => (await ask('get', `/v1/products/${id}`).expect(200)).body.stock;
const begin = (userId: string, body?: object, key?: string) =>
  ask('post', `/v1/carts/${userId}/checkout`, body, key === undefined ? {} : { 'idempotency-key': key });
const confirm = (id: string, paymentReference: string) =>
  ask('post', `/v1/checkouts/${id}/confirm`, { paymentReference });
const refunds = async (status = 'due') =>
  (await ask('get', `/v1/refunds?status=${status}&limit=200`).expect(200)).body.items.map(
    ({ paymentReference }: { paymentReference: string }) => paymentReference,
  );

describe('a checkout', () => {
  it('holds every line at today’s price; confirmed it is one order, and the cart is the next one', async () => {
    const [book, pen] = [await product(graph.app), await product(graph.app, { price: 150 })];
    const user = await cartOf(graph.app, { [book]: 2, [pen]: 10 });
    await ask('put', `/v1/products/${pen}`, { title: 'A pen', price: 200, currency: 'EUR' }).expect(200);
    const { body: checkout, headers } = await begin(user, { expectedTotal: 5_998 }).expect(201);
    expect(headers['location']).toBe(`/v1/checkouts/${checkout.checkoutId}`);
    expect(checkout).toMatchObject({
      status: 'held',
      total: 5_998,
      currency: 'EUR',
      lines: [
        { productId: book, quantity: 2, price: 1_999 },
        { productId: pen, quantity: 10, price: 200 },
      ],
    });
    expect(Date.parse(checkout.holdUntil) - Date.parse(checkout.createdAt)).toBeGreaterThanOrEqual(HOLD_MS);
    expect([await stock(book), await stock(pen)]).toEqual([
      { onHand: 8, held: 2, sold: 0 },
      { onHand: 0, held: 10, sold: 0 },
    ]);
    // Frozen.
    await ask('put', `/v1/products/${pen}`, { title: 'A pen', price: 900, currency: 'EUR' }).expect(200);
    const answers = await Promise.all(Array.from({ length: 5 }, () => confirm(checkout.checkoutId, 'pay-1')));
    for (const { status, body } of answers)
      expect([status, body]).toEqual([
        200,
        {
          ...answers[0]!.body,
          status: 'confirmed',
          total: 5_998,
          paymentReference: 'pay-1',
          orderId: expect.any(String),
        },
      ]);
    expect([await stock(book), await stock(pen)]).toEqual([
      { onHand: 8, held: 0, sold: 2 },
      { onHand: 0, held: 0, sold: 10 },
    ]);
    expect((await ask('get', `/v1/carts/${user}/orders`)).body.items).toMatchObject([
      { orderId: answers[0]!.body.orderId, total: 5_998, checkoutId: checkout.checkoutId },
    ]);
    expect((await ask('get', `/v1/carts/${user}`)).body).toMatchObject({ status: 'ordered', lines: [] });
    expect((await begin(user).expect(409)).body.detail).toContain('is empty');
    expect((await ask('post', `/v1/checkouts/${checkout.checkoutId}/cancel`).expect(409)).body.detail).toContain(
      'is an order',
    );
  });

  it('with too little of some lines holds none, and names each with what there is', async () => {
    const [much, some, none] = [
      await product(graph.app),
      await product(graph.app, { stockOnHand: 3 }),
      await product(graph.app, { stockOnHand: 0 }),
    ];
    const user = await cartOf(graph.app, { [much]: 1, [some]: 4, [none]: 1 });
    const { body } = await begin(user).expect(409);
    expect(body).toMatchObject({
      type: 'urn:longwatch:problem:insufficientStock',
      errors: [
        { field: `lines.${some}`, message: '4 requested, 3 available' },
        { field: `lines.${none}`, message: '1 requested, 0 available' },
      ],
      shortages: [
        { productId: some, wanted: 4, available: 3 },
        { productId: none, wanted: 1, available: 0 },
      ],
    });
    expect(await stock(much)).toEqual({ onHand: 10, held: 0, sold: 0 });
  });

  it('sent twice, or at once by many, is one; of a changed cart it is another, with the first’s stock', async () => {
    const book = await product(graph.app);
    const user = await cartOf(graph.app, { [book]: 4 });
    const answers = await Promise.all(Array.from({ length: 6 }, () => begin(user, undefined, 'key-1')));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 201]);
    const [id] = new Set(answers.map(({ body }) => body.checkoutId));
    expect((await begin(user).expect(200)).body.checkoutId).toBe(id);
    expect(await stock(book)).toMatchObject({ onHand: 6, held: 4 });
    await ask('put', `/v1/carts/${user}/items/${book}`, { add: 1 }).expect(200);
    const { body: second } = await begin(user).expect(201);
    expect(second.checkoutId).not.toBe(id);
    expect(await stock(book)).toMatchObject({ onHand: 5, held: 5 });
    expect((await ask('get', `/v1/checkouts/${id}`)).body.status).toBe('cancelled');
    expect((await begin(user, { checkoutId: second.checkoutId }).expect(200)).body).toEqual(second);
    await begin(await cartOf(graph.app, { [book]: 1 }), { checkoutId: second.checkoutId }).expect(409);
  });

  it('of another total than expected, of two currencies, of nothing: refused, and nothing is held', async () => {
    const [book, dollars] = [await product(graph.app), await product(graph.app, { currency: 'USD' })];
    const user = await cartOf(graph.app, { [book]: 1 });
    expect((await begin(user, { expectedTotal: 1_000 }).expect(409)).body.errors).toEqual([
      { field: 'expectedTotal', message: 'is 1000, the total is 1999' },
    ]);
    await begin(await cartOf(graph.app, { [book]: 1, [dollars]: 1 })).expect(409);
    await begin(`user-${randomUUID()}`).expect(409);
    expect(await stock(book)).toEqual({ onHand: 10, held: 0, sold: 0 });
  });

  it('cancelled gives everything back, however often', async () => {
    const book = await product(graph.app);
    const { body } = await begin(await cartOf(graph.app, { [book]: 3 })).expect(201);
    for (let i = 0; i < 2; i++)
      expect((await ask('post', `/v1/checkouts/${body.checkoutId}/cancel`).expect(200)).body.status).toBe('cancelled');
    expect(await stock(book)).toEqual({ onHand: 10, held: 0, sold: 0 });
    await ask('get', '/v1/checkouts/none').expect(404);
    await confirm('none', 'p').expect(404);
    await ask('post', '/v1/checkouts/none/cancel').expect(404);
  });

  it('what the customer puts in while paying stays in the next cart', async () => {
    const [book, pen] = [await product(graph.app), await product(graph.app)];
    const user = await cartOf(graph.app, { [book]: 2 });
    const { body } = await begin(user).expect(201);
    await cartOf(graph.app, { [book]: 3, [pen]: 1 }, user);
    await confirm(body.checkoutId, 'pay').expect(200);
    expect((await ask('get', `/v1/carts/${user}`)).body).toMatchObject({
      cartNumber: 2,
      status: 'open',
      lines: [
        { productId: book, quantity: 1 },
        { productId: pen, quantity: 1 },
      ],
    });
  });
});

describe('payments that cannot have their order', () => {
  it('after the hold: refused with what to do, on record once, until it is done', async () => {
    const book = await product(graph.app, { stockOnHand: 3 });
    const user = await cartOf(graph.app, { [book]: 3 });
    const { checkout } = await checkoutsAt(graph, Date.now() - 2 * HOLD_MS, HOLD_MS).begin(user, {});
    // Nobody has written down that it is over.
    expect((await ask('get', `/v1/checkouts/${checkout.checkoutId}`)).body.status).toBe('expired');
    expect(await stock(book)).toEqual({ onHand: 3, held: 0, sold: 0 });
    const late = `late-${randomUUID()}`;
    for (let i = 0; i < 2; i++) {
      const { body } = await confirm(checkout.checkoutId, late).expect(409);
      expect(body).toMatchObject({
        type: 'urn:longwatch:problem:refundDue',
        refund: { paymentReference: late, checkoutId: checkout.checkoutId },
      });
      expect(body.detail).toContain(`refund payment ${late}`);
    }
    expect((await refunds()).filter((reference: string) => reference === late)).toHaveLength(1);
    await ask('post', '/v1/refunds', { checkoutId: checkout.checkoutId, paymentReference: late }).expect(204);
    await ask('post', '/v1/refunds', { checkoutId: checkout.checkoutId, paymentReference: 'other' }).expect(404);
    expect(await refunds()).not.toContain(late);
    await confirm(checkout.checkoutId, late).expect(409);
    expect(await refunds()).not.toContain(late);
    expect(await refunds('done')).toContain(late);
  });

  it('a second payment for one order: refused, on record', async () => {
    const book = await product(graph.app);
    const { body } = await begin(await cartOf(graph.app, { [book]: 1 })).expect(201);
    const [first, second] = [`p-${randomUUID()}`, `p-${randomUUID()}`];
    await confirm(body.checkoutId, first).expect(200);
    expect((await confirm(body.checkoutId, second).expect(409)).body.detail).toContain(
      `was confirmed before with payment ${first}`,
    );
    expect(await refunds()).toContain(second);
    expect(await refunds()).not.toContain(first);
    await confirm(body.checkoutId, first).expect(200);
  });

  it('two payments at once: one has the order, the other is to be given back', async () => {
    const book = await product(graph.app);
    const { body } = await begin(await cartOf(graph.app, { [book]: 1 })).expect(201);
    const references = Array.from({ length: 4 }, () => `p-${randomUUID()}`);
    const answers = await Promise.all(references.map((reference) => confirm(body.checkoutId, reference)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    const due = await refunds();
    expect(references.filter((reference) => !due.includes(reference))).toEqual([
      references[answers.findIndex(({ status }) => status === 200)],
    ]);
    expect(await stock(book)).toEqual({ onHand: 9, held: 0, sold: 1 });
  });
});

describe('200 lines', () => {
  let products: string[];
  let user: string;
  beforeAll(async () => {
    products = await inLanes(Array.from({ length: 200 }), 10, () => product(graph.app, { stockOnHand: 5 }));
    user = await cartOf(graph.app, Object.fromEntries(products.map((id) => [id, 2])));
  });

  it('is as many as a cart takes', async () => {
    const one = await product(graph.app);
    expect((await ask('put', `/v1/carts/${user}/items/${one}`, { quantity: 1 }).expect(409)).body.detail).toContain(
      '200 lines',
    );
    const guest = await cartOf(graph.app, { [one]: 1 });
    expect((await ask('post', `/v1/carts/${user}/merge`, { guestId: guest }).expect(409)).body.detail).toContain(
      '201 lines',
    );
    expect((await ask('get', `/v1/carts/${guest}`)).body).toMatchObject({ status: 'open' });
    await ask('put', `/v1/carts/${user}/items/${products[0]}`, { quantity: 2 }).expect(200);
  });

  it('are held all or none, confirmed and cancelled as one', async () => {
    const last = products.at(-1)!;
    await ask('put', `/v1/products/${last}`, { title: 'Last', price: 100, currency: 'EUR', stockOnHand: 1 }).expect(
      200,
    );
    expect((await begin(user, {}, 'all').expect(409)).body.shortages).toEqual([
      { productId: last, wanted: 2, available: 1 },
    ]);
    await ask('put', `/v1/products/${last}`, { title: 'Last', price: 100, currency: 'EUR', stockOnHand: 5 }).expect(
      200,
    );
    const { body: first } = await begin(user, {}, 'all').expect(201);
    expect(await stock(last)).toEqual({ onHand: 3, held: 2, sold: 0 });
    await ask('post', `/v1/checkouts/${first.checkoutId}/cancel`).expect(200);
    const all = async () => new Set((await inLanes(products, 10, stock)).map((one) => JSON.stringify(one)));
    expect(await all()).toEqual(new Set(['{"onHand":5,"held":0,"sold":0}']));
    const { body: second } = await begin(user).expect(201);
    const answers = await Promise.all([
      confirm(second.checkoutId, 'pay-200'),
      confirm(second.checkoutId, 'pay-200'),
      confirm(second.checkoutId, 'pay-200'),
    ]);
    expect(answers.map(({ status, body }) => `${status} ${body.status}`)).toEqual(Array(3).fill('200 confirmed'));
    expect(await all()).toEqual(new Set(['{"onHand":3,"held":0,"sold":2}']));
    expect((await ask('get', `/v1/carts/${user}/orders`)).body.items).toHaveLength(1);
  });
});
