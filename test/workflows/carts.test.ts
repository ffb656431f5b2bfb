import { randomUUID } from 'node:crypto';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import request from 'supertest';
import { localMinutes } from '../../src/domain/carts/quietHours';
import { formatQuietHours } from '../../src/domain/carts/preferences';
import type { OutboxEntry, WorkflowStart } from '../../src/domain/platform/outbox';
import { typedSearchAttributes } from '../../src/domain/platform/searchAttributes';
import { CARTS_QUEUE, cartWorkflowId, checkoutWorkflowId } from '../../src/domain/carts/workflows';
import { workflowBundle } from '../support/bundle';
import { buildShop } from '../support/checkouts';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { billableActions, record } from '../support/histories';
import { product } from '../support/products';
import { eventually } from '../support/stack';
import { startTimeSkipping } from '../support/timeSkippingServer';

const HOUR = 3_600_000;
const HOLD_MS = HOUR / 4;
let bundle: { codePath: string };
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  bundle = await workflowBundle();
});

describe.each([
  ['with a cache of workflows', 100],
  ['without one, so that every task replays the history', 0],
])('%s', (_, maxCachedWorkflows) => {
  let environment: TestWorkflowEnvironment;
  let graph: TestGraph;
  let worker: Worker;
  let running: Promise<void>;
  beforeAll(async () => {
    environment = await startTimeSkipping();
    graph = await startTestGraph(
      { LONGWATCH_CAPABILITIES: 'carts', LONGWATCH_CART_QUIET_HOURS: 'none' },
      environment.address,
    );
    worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue: CARTS_QUEUE,
      workflowBundle: bundle,
      activities: graph.activities[CARTS_QUEUE]!,
      maxCachedWorkflows,
    });
    running = worker.run();
  });
  afterAll(async () => {
    worker?.shutdown();
    await running;
    await graph?.stop();
    await environment?.teardown();
  });

  const suffix = maxCachedWorkflows === 0 ? '-uncached' : '';
  const ask = (method: 'get' | 'put', path: string, body?: object) => {
    const asked = request(graph.app)
      [method](path)
      .set(...bearer('service'));
    return body ? asked.send(body) : asked;
  };
  const cartHandle = (userId: string, number = 1) =>
    graph.temporal.client.workflow.getHandle(cartWorkflowId(userId, number));
  const stats = async (): Promise<Record<string, number>> => (await ask('get', '/v1/stats/carts').expect(200)).body;
  /** Hours from an instant to each message to somebody, oldest first. */
  const remindedAfter = async (recipient: string, from: number): Promise<number[]> => {
    const { body } = await request(graph.app)
      .get(`/v1/notifications?recipient=${recipient}`)
      .set(...bearer('eva'))
      .expect(200);
    return body.items.map(({ at }: { at: string }) => Math.round((Date.parse(at) - from) / 36_000) / 100).toReversed();
  };

  /** The shop on the server's clock, which runs ahead of ours with every ladder; what it owes is started. */
  async function shop() {
    const now = await environment.currentTimeMs();
    const entries: OutboxEntry[] = [];
    const parts = buildShop(
      graph.dynamodb.db,
      () => now,
      { holdMs: HOLD_MS },
      (entry) => void entries.push(entry),
    );
    return {
      ...parts,
      now,
      async startOwed(): Promise<void> {
        for (const { payload } of entries.splice(0)) {
          const { workflowType, notBefore, searchAttributes, summary, ...start } = payload as WorkflowStart;
          await graph.temporal.client.workflow.start(workflowType, {
            ...start,
            staticSummary: summary,
            typedSearchAttributes: typedSearchAttributes(searchAttributes),
            ...(notBefore !== undefined && { startDelay: notBefore - now }),
          });
        }
      },
    };
  }
  /** A cart of one line that begins now. */
  async function begin(preferences?: object): Promise<{ user: string; book: string; openedAt: number }> {
    const [user, book] = [`user-${randomUUID()}`, await product(graph.app)];
    if (preferences) await ask('put', `/v1/carts/${user}/preferences`, preferences).expect(200);
    const { carts, now, startOwed } = await shop();
    await carts.change(user, { kind: 'set', productId: book, quantity: 2 });
    await startOwed();
    return { user, book, openedAt: now };
  }
  const touch = async (user: string, productId: string) => {
    const { carts, startOwed, now } = await shop();
    await carts.change(user, { kind: 'add', productId, quantity: 1 });
    await startOwed();
    return now;
  };

  it('a cart that nobody touches: three reminders, abandoned after 30 days, in eight billable actions', async () => {
    const before = await stats();
    const { user, openedAt } = await begin();
    await environment.sleep('31 days');
    expect(await cartHandle(user).result()).toEqual({ how: 'abandoned' });
    expect(await remindedAfter(user, openedAt)).toEqual([1, 24, 72]);
    expect((await ask('get', `/v1/carts/${user}`)).body).toMatchObject({
      status: 'abandoned',
      lines: [{ quantity: 2 }],
    });
    const after = await stats();
    expect([
      after['reminded']! - before['reminded']!,
      after['abandoned']! - before['abandoned']!,
      after['open']! - before['open']!,
    ]).toEqual([1, 1, 0]);
    const history = await record('cart', `abandoned${suffix}`, cartHandle(user));
    // The start, four looks, three timers: the first look waits by the start's own delay.
    expect(billableActions(history)).toBe(8);
  });

  it('activity before a reminder puts it off', async () => {
    const { user, book, openedAt } = await begin();
    await environment.sleep('50 minutes');
    await touch(user, book);
    await environment.sleep('50 minutes');
    await touch(user, book);
    await environment.sleep('50 minutes');
    expect(await remindedAfter(user, openedAt)).toEqual([]);
    await environment.sleep('15 minutes');
    expect(
      (
        await eventually(
          () => remindedAfter(user, openedAt),
          ({ length }) => length > 0,
        )
      )[0],
    ).toBeCloseTo(2 + 40 / 60, 1);
  });

  it('activity after a reminder recovers the cart: its lines go on in the next, which has its own ladder', async () => {
    const before = await stats();
    const { user, book, openedAt } = await begin();
    await environment.sleep('25 hours');
    await eventually(
      () => remindedAfter(user, openedAt),
      ({ length }) => length === 2,
    );
    await touch(user, book);
    expect((await ask('get', `/v1/carts/${user}`)).body).toMatchObject({
      cartNumber: 2,
      status: 'open',
      lines: [{ quantity: 3 }],
    });
    const after = await stats();
    expect([
      after['reminded']! - before['reminded']!,
      after['recovered']! - before['recovered']!,
      after['open']! - before['open']!,
    ]).toEqual([1, 1, 1]);
    await environment.sleep('90 minutes');
    await eventually(
      () => remindedAfter(user, openedAt),
      ({ length }) => length === 3,
    );
    await environment.sleep('50 hours');
    expect(await cartHandle(user).result()).toEqual({ how: 'recovered' });
    await record('cart', `recovered${suffix}`, cartHandle(user));
    expect((await remindedAfter(user, openedAt)).map(Math.round)).toEqual([1, 24, 26, 49]);
  });

  it('an order after a reminder recovers the cart too', async () => {
    const before = await stats();
    const { user, openedAt } = await begin();
    await environment.sleep('2 hours');
    await eventually(
      () => remindedAfter(user, openedAt),
      ({ length }) => length === 1,
    );
    const { checkouts } = await shop();
    const { checkout } = await checkouts.begin(user, {});
    await checkouts.confirm(checkout.checkoutId, 'pay');
    await environment.sleep('24 hours');
    expect(await cartHandle(user).result()).toEqual({ how: 'ordered' });
    const after = await stats();
    expect([
      after['recovered']! - before['recovered']!,
      after['ordered']! - before['ordered']!,
      after['open']! - before['open']!,
    ]).toEqual([1, 1, 0]);
    expect(await remindedAfter(user, openedAt)).toHaveLength(1);
    await record('cart', `ordered${suffix}`, cartHandle(user));
  });

  it('who does not want reminders gets none', async () => {
    const { user, openedAt } = await begin({ reminders: false });
    const other = await begin();
    await environment.sleep('2 hours');
    // Changed after the first one.
    await ask('put', `/v1/carts/${other.user}/preferences`, { reminders: false }).expect(200);
    await environment.sleep('30 days');
    for (const one of [user, other.user]) expect(await cartHandle(one).result()).toEqual({ how: 'abandoned' });
    expect(await remindedAfter(user, openedAt)).toEqual([]);
    expect(await remindedAfter(other.user, other.openedAt)).toEqual([1]);
    expect(billableActions(await record('cart', `unsubscribed${suffix}`, cartHandle(user)))).toBe(4);
  });

  it('nobody is reminded in their night', async () => {
    const timeZone = 'Asia/Kolkata';
    const minute = localMinutes(await environment.currentTimeMs(), timeZone);
    const at = (minutes: number) => (minute + minutes) % (24 * 60);
    const { user, openedAt } = await begin({
      timeZone,
      recipient: `mail-of-${timeZone.toLowerCase().replace('/', '-')}@example.org`,
      quietHours: formatQuietHours({ from: at(30), to: at(300) }),
    });
    await environment.sleep('4 hours');
    const recipient = 'mail-of-asia-kolkata@example.org';
    const from = await remindedAfter(recipient, openedAt);
    await environment.sleep('2 hours');
    const [first] = await eventually(
      () => remindedAfter(recipient, openedAt),
      ({ length }) => length > from.length,
    );
    expect(from).toEqual([]);
    // To the minute at which the night ends.
    expect(first).toBeGreaterThan(4.95);
    expect(first).toBeLessThanOrEqual(5);
    await ask('put', `/v1/carts/${user}/preferences`, { reminders: false }).expect(200);
  });

  it('a checkout that nobody pays expires, and its stock is on the shelf', async () => {
    const { user, book } = await begin();
    const { checkouts, startOwed } = await shop();
    const { checkout } = await checkouts.begin(user, {});
    await startOwed();
    const handle = graph.temporal.client.workflow.getHandle(checkoutWorkflowId(checkout.checkoutId));
    await environment.sleep('20 minutes');
    expect(await handle.result()).toEqual({ status: 'expired' });
    const { products, checkoutStore } = await shop();
    expect(await checkoutStore.find(checkout.checkoutId)).toMatchObject({ status: 'expired' });
    const [found] = await products.read([book], { consistent: true });
    expect(found!.stock).toEqual({ onHand: 10, holds: {}, sold: 0 });
    const history = await record('checkout', `expired${suffix}`, handle);
    // Start, timer, one look, the status.
    expect(billableActions(history)).toBe(4);
  });

  it('a checkout that was paid is found so', async () => {
    const { user } = await begin();
    const { checkouts, startOwed } = await shop();
    const { checkout } = await checkouts.begin(user, {});
    await startOwed();
    await checkouts.confirm(checkout.checkoutId, 'pay');
    await environment.sleep('20 minutes');
    const handle = graph.temporal.client.workflow.getHandle(checkoutWorkflowId(checkout.checkoutId));
    expect(await handle.result()).toEqual({ status: 'confirmed' });
    await record('checkout', `confirmed${suffix}`, handle);
  });
});
