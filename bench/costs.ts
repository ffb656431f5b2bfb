import { writeFileSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import request from 'supertest';
import { type Measured, MEASURED_FILE } from '../scripts/costs/measured';
import { cartWorkflowId, checkoutWorkflowId } from '../src/domain/carts/workflows';
import { fanOutId, relationId } from '../src/domain/feeds/workflows';
import { investigationId } from '../src/domain/fraud/workflows';
import { seasonId } from '../src/domain/leaderboards/workflows';
import { RELAY_ID } from '../src/domain/platform/workflows';
import { seedAuthor } from '../test/support/feeds/seed';
import { bearer, startTestGraph, type TestGraph, type Who } from '../test/support/graph';
import { billableActions } from '../test/support/histories';
import { merchantDecides } from '../test/support/merchantRules';
import { payment } from '../test/support/payment';
import { startTestS3 } from '../test/support/s3';
import { eventually } from '../test/support/stack';
import { resultOf, startTestTemporal } from '../test/support/temporal';
import { startTestWorkers } from '../test/support/workers';
import { CostMeter, type Units } from './support/costMeter';

const COMMAND = 'npm run bench -- costs';
const DAY_MS = 86_400_000;
const IDLE_MS = 6_000;
/** A cron time that a benchmark practically never meets: one minute a year. */
const NEVER = '0 0 1 1 *';

interface Bench {
  graph: TestGraph;
  meter: CostMeter;
  client: Client;
}

const call = (
  { graph }: Pick<Bench, 'graph'>,
  method: 'get' | 'put' | 'post' | 'delete',
  path: string,
  body?: object,
  who: Who = 'admin',
) =>
  request(graph.app)
    [method](path)
    .set(...bearer(who))
    .send(body);

/** Makes calls one after another. @throws Error if one does not succeed. */
async function each(times: number, work: (i: number) => PromiseLike<{ status: number; text: string }>): Promise<void> {
  for (let i = 0; i < times; i++) {
    const { status, text } = await work(i);
    if (status >= 400) throw new Error(`${status}: ${text}`);
  }
}

const actionsOf = async ({ client }: Bench, workflowId: string): Promise<number> => {
  await resultOf(client, workflowId);
  return billableActions(await client.workflow.getHandle(workflowId).fetchHistory());
};

/** Returns the average history size of some workflows in bytes, as the Temporal server reports it. */
async function historyBytes({ client }: Bench, workflowIds: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    workflowIds.map(async (id) =>
      Number((await client.workflow.getHandle(id).describe()).raw.workflowExecutionInfo?.historySizeBytes ?? 0),
    ),
  );
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length);
}

/**
 * Measures the units, actions and bytes of each capability's operations on the embedded servers, and writes them to the
 * file that `npm run costs` reads.
 */
export async function benchCosts(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const say = (what: string) => console.log(`measuring ${what}`);
  const [temporal, s3] = await Promise.all([startTestTemporal(), startTestS3()]);
  const graph = await startTestGraph(
    {
      ...s3.environment,
      LONGWATCH_SESSION_IDLE_MS: String(IDLE_MS),
      // Every request writes a touch, so that a touch can be measured.
      LONGWATCH_SESSION_TOUCH_MS: '0',
      LONGWATCH_SESSION_BUCKETS: '1',
      LONGWATCH_SESSION_SWEEP_MS: '5000',
      LONGWATCH_CART_REMINDERS: '2s,4s,6s',
      LONGWATCH_CART_ABANDON_AFTER_MS: '8000',
      LONGWATCH_CART_QUIET_HOURS: 'none',
      LONGWATCH_CHECKOUT_HOLD_MS: '4000',
      // Scheduled work would distort the measurement.
      LONGWATCH_ARCHIVE_CRON: NEVER,
      LONGWATCH_RANK_CHECK_CRON: NEVER,
      LONGWATCH_DRIFT_REPORT_CRON: NEVER,
    },
    temporal.address,
  );
  const bench: Bench = { graph, meter: new CostMeter(graph), client: graph.temporal.client };
  await bench.meter.rest(6);
  say('what requests consume');
  const sessions = await sessionRequests(bench);
  const carts = await cartRequests(bench);
  const payments = await paymentRequests(bench);
  const workers = await startTestWorkers(graph, temporal.address);
  await graph.startStandingWorkflows();
  say('what a process consumes at rest');
  const restAnHour = await bench.meter.rest(15);
  // The outbox relay queries due entries every second. That is most of an idle process's consumption and would hide the
  // few units of an operation. Requests dispatch their own entries, so the benchmark works without the relay.
  await bench.client.workflow.getHandle(RELAY_ID).terminate('the bench measures without it');
  // The relay's activity learns of the termination at its next heartbeat, at most 20 seconds later.
  await new Promise((resolve) => setTimeout(resolve, 30_000));
  await bench.meter.rest(8);
  say('sweeping');
  Object.assign(sessions, await sweeping(bench));
  say('carts that are reminded');
  Object.assign(carts.units, { ladder: await ladder(bench) });
  say('leaderboards');
  const boards = await boardsOf(bench);
  say('feeds');
  const feeds = await feedsOf(bench);
  say('devices');
  const devices = await devicesOf(bench);
  say('cases');
  const cases = await casesOf(bench, payments);
  const measured: Measured = {
    command: COMMAND,
    date: new Date().toISOString().slice(0, 10),
    engine: 'dynoxide (ReturnConsumedCapacity), Temporal dev server (history events)',
    units: {
      sessions: sessions as Measured['units']['sessions'],
      carts: carts.units as Measured['units']['carts'],
      leaderboards: boards.units,
      feeds: feeds.units,
      devices: devices.units,
      fraud: { payment: payments, counters: cases.counters, case: cases.units },
      restAnHour,
    },
    actions: {
      cartOrdered: await actionsOf(bench, cartWorkflowId('buyer-0', 1)),
      cartLadder: await actionsOf(bench, cartWorkflowId('alone-0', 1)),
      checkout: await actionsOf(bench, checkoutWorkflowId(carts.checkoutId)),
      season: boards.actions,
      fanOut: feeds.actions,
      follow: feeds.followActions,
      archivedDay: devices.actions,
      case: cases.actions,
    },
    bytes: {
      session: await bench.meter.bytes('Sessions', (item) => item['Part'] === 'session'),
      cart: await bench.meter.bytes('ShoppingCart', (item) => item['Entry'] === 'cart'),
      order: await bench.meter.bytes('Orders'),
      score: await bench.meter.bytes('Leaderboard', (item) => !String(item['PlayerID']).startsWith('#')),
      rankNodes: boards.nodeBytes,
      post: (await bench.meter.bytes('Posts')) + (await bench.meter.bytes('AuthorPosts')),
      row: await bench.meter.bytes('Feed'),
      reading: devices.bytes,
      rollup: await bench.meter.bytes('DeviceRollups'),
      archivedReading: devices.archivedBytes,
      decision: (await bench.meter.bytes('Decisions')) + (await bench.meter.bytes('TransactionHistory')),
      payment: Buffer.byteLength(JSON.stringify(payment())),
      history: await historyBytes(bench, [
        cartWorkflowId('buyer-0', 1),
        cartWorkflowId('alone-0', 1),
        checkoutWorkflowId(carts.checkoutId),
        fanOutId('loud-0'),
        cases.workflowId,
      ]),
    },
  };
  writeFileSync(MEASURED_FILE, `${JSON.stringify(measured, null, 2)}\n`);
  console.log(`written to ${MEASURED_FILE}`);
  await workers.stop();
  await graph.stop();
  await Promise.all([temporal.stop(), s3.stop()]);
}

const TIMES = 40;

async function openSessions(bench: Bench, user: string, times: number): Promise<string[]> {
  const cookies: string[] = [];
  await each(times, async (i) => {
    const answer = await call(bench, 'post', '/v1/sessions', {
      userId: `${user}-${i}`,
      device: 'Firefox on Linux',
      data: { cart: 'c-1', language: 'en', csrf: 'x'.repeat(32) },
    });
    cookies.push(String(answer.headers['set-cookie']![0]).split(';')[0]!);
    return answer;
  });
  return cookies;
}

async function sessionRequests(bench: Bench): Promise<Record<string, unknown>> {
  const { meter, graph } = bench;
  let cookies: string[] = [];
  const open = await meter.of(TIMES, async () => (cookies = await openSessions(bench, 'reader', TIMES)));
  const view = await meter.of(TIMES, () =>
    each(TIMES, (i) => request(graph.app).get('/v1/sessions/current').set('cookie', cookies[i]!)),
  );
  const logOut = await meter.of(TIMES, () =>
    each(TIMES, (i) => request(graph.app).delete('/v1/sessions/current').set('cookie', cookies[i]!)),
  );
  // Every view writes a touch here. In production most views do not, so a view counts only the read and a touch only
  // the write.
  return { open, view: { read: view.read, write: 0 }, touch: { read: 0, write: view.write }, logOut };
}

/**
 * Measures the sweeper. Sessions with one later request are checked and re-armed, and later expired; sessions without
 * one are only expired.
 */
async function sweeping(bench: Bench): Promise<Record<string, unknown>> {
  const { meter, graph } = bench;
  const ended = async () =>
    ((await graph.metrics.registry.getSingleMetric('longwatch_sessions_ended_total')!.get()).values.find(
      ({ labels }) => labels['reason'] === 'idle',
    )?.value ?? 0) as number;
  const before = await ended();
  await openSessions(bench, 'warm-up', 1);
  await eventually(ended, (count) => count >= before + 1);
  let cookies = await openSessions(bench, 'idle', TIMES);
  const begun = await ended();
  const expire = await meter.of(
    TIMES,
    async () => undefined,
    () => eventually(ended, (count) => count >= begun + TIMES),
  );
  cookies = await openSessions(bench, 'used', TIMES);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS / 3));
  await each(TIMES, (i) => request(graph.app).get('/v1/sessions/current').set('cookie', cookies[i]!));
  const again = await ended();
  const both = await meter.of(
    TIMES,
    async () => undefined,
    () => eventually(ended, (count) => count >= again + TIMES),
  );
  return {
    expire,
    rearm: { read: Math.max(0, round(both.read - expire.read)), write: Math.max(0, round(both.write - expire.write)) },
  };
}

const less = (a: Units, b: Units): Units => ({
  read: Math.max(0, round(a.read - b.read)),
  write: Math.max(0, round(a.write - b.write)),
});
const round = (value: number): number => Math.round(value * 100) / 100;

async function cartRequests(bench: Bench): Promise<{ units: Record<string, unknown>; checkoutId: string }> {
  const { meter } = bench;
  for (let i = 0; i < 3; i++)
    await call(bench, 'put', `/v1/products/book-${i}`, {
      title: 'Seneca, Letters',
      price: 1_999,
      currency: 'EUR',
      stockOnHand: 1_000,
    });
  const item = (i: number, product: number, quantity: number) =>
    call(bench, 'put', `/v1/carts/buyer-${i}/items/book-${product}`, { quantity });
  const begin = await meter.of(TIMES, () => each(TIMES, (i) => item(i, 0, 1)));
  await each(TIMES, (i) => item(i, 1, 1));
  const change = await meter.of(TIMES, () => each(TIMES, (i) => item(i, 2, 1)));
  const read = await meter.of(TIMES, () => each(TIMES, (i) => call(bench, 'get', `/v1/carts/buyer-${i}`)));
  const ids: string[] = [];
  const checkout = await meter.of(TIMES / 4, () =>
    each(TIMES / 4, async (i) => {
      const answer = await call(bench, 'post', `/v1/carts/buyer-${i}/checkout`, {});
      ids.push((answer.body as { checkoutId: string }).checkoutId);
      return answer;
    }),
  );
  const confirm = await meter.of(TIMES / 4, () =>
    each(TIMES / 4, (i) => call(bench, 'post', `/v1/checkouts/${ids[i]}/confirm`, { paymentReference: `pay-${i}` })),
  );
  return { units: { begin, change, read, checkout, confirm }, checkoutId: ids[0]! };
}

/** Measures abandoned carts: three reminders and the end. */
async function ladder(bench: Bench): Promise<unknown> {
  const { meter, client } = bench;
  const carts = 5;
  await each(carts, (i) => call(bench, 'put', `/v1/carts/alone-${i}/items/book-0`, { quantity: 1 }));
  return meter.of(
    carts,
    async () => undefined,
    () => Promise.all(Array.from({ length: carts }, (_, i) => resultOf(client, cartWorkflowId(`alone-${i}`, 1)))),
  );
}

/**
 * Results of `npm run bench -- leaderboards --players 1000000` (docs/leaderboards.md), which takes too long to repeat
 * here.
 */
const MILLION: Measured['units']['leaderboards']['boards'][number] = {
  players: 1_000_000,
  rank: { read: 4, write: 0 },
  rankedChange: [
    { together: 1, units: { read: 5.8, write: 23.8 } },
    { together: 10, units: { read: 4, write: 16.3 } },
    { together: 100, units: { read: 2.9, write: 11.5 } },
    { together: 1_000, units: { read: 2.8, write: 7.5 } },
  ],
};

async function boardsOf(
  bench: Bench,
): Promise<{ units: Measured['units']['leaderboards']; actions: number; nodeBytes: number }> {
  const { meter, graph } = bench;
  const PLAYERS = 5_000;
  await call(bench, 'put', '/v1/boards/costs', { operator: 'set' });
  const score = (i: number) => ({
    submissionId: `s-${Math.random()}`,
    playerId: `player-${i % PLAYERS}`,
    score: Math.floor(Math.random() * 1_000_000),
  });
  const submit = (count: number, from = 0) =>
    call(bench, 'post', '/v1/boards/costs/scores', {
      scores: Array.from({ length: count }, (_, i) => score(from + i)),
    });
  const lag = async () =>
    Math.max(
      0,
      ...(await graph.metrics.registry.getSingleMetric('longwatch_stream_records_total')!.get()).values
        .filter(({ labels }) => labels['stream'] === 'leaderboard')
        .map(({ value }) => value),
    );
  let sent = 0;
  const submitted = async (count: number) => {
    for (let i = 0; i < count; i += 100) await each(1, () => submit(Math.min(100, count - i), sent + i));
    sent += count;
  };
  const ranked = () => eventually(lag, (count) => count >= sent);
  await submitted(PLAYERS);
  await ranked();
  const alone = await meter.of(40, async () => undefined); // Consumption without any operation, for the log.
  if (alone.read + alone.write > 1) console.log(`  at rest ${JSON.stringify(alone)} more than was subtracted`);
  const rankedChange: Measured['units']['leaderboards']['boards'][number]['rankedChange'] = [];
  for (const together of [1, 10, 100]) {
    const rounds = together === 100 ? 4 : 8;
    const units = await meter.of(rounds * together, async () => {
      for (let i = 0; i < rounds; i++) {
        await submitted(together);
        await ranked();
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    });
    // The measured units include the submission itself, which is one write unit (a test of the store asserts that).
    rankedChange.push({ together, units: { read: units.read, write: round(units.write - 1) } });
  }
  const rank = await meter.of(40, () =>
    each(40, (i) => call(bench, 'get', `/v1/boards/costs/players/player-${i * 97}`)),
  );
  const endsAt = new Date(Date.now() + 5_000).toISOString();
  await call(bench, 'put', '/v1/boards/short', { operator: 'best', seasons: { endsAt } });
  await call(bench, 'post', '/v1/boards/short/scores', { submissionId: 'one', playerId: 'ada', score: 1 });
  const actions = await actionsOf(bench, seasonId('short', 1));
  const nodes = await meter.bytes('LeaderboardRanks');
  return {
    units: { submission: { read: 0, write: 1 }, boards: [{ players: PLAYERS, rank, rankedChange }, MILLION] },
    actions,
    nodeBytes: Math.round((nodes * 1.2 * (PLAYERS / 24)) / PLAYERS),
  };
}

async function feedsOf(
  bench: Bench,
): Promise<{ units: Measured['units']['feeds']; actions: number; followActions: number }> {
  const { meter, graph, client } = bench;
  const FOLLOWERS = 200;
  const readers = await seedAuthor(graph.dynamodb.db, 'star', FOLLOWERS);
  await each(2, (i) => call(bench, 'put', `/v1/users/${['lonely', 'follower'][i]}`, { name: 'somebody' }));
  const TEXT =
    'A post of some hundred characters, as people write them: not too long, not too short, with a link at the end.';
  const post = await meter.of(TIMES, () =>
    each(TIMES, (i) => call(bench, 'post', '/v1/posts', { authorId: 'lonely', postId: `quiet-${i}`, text: TEXT })),
  );
  const POSTS = 5;
  const fanned = await meter.of(
    POSTS,
    () => each(POSTS, (i) => call(bench, 'post', '/v1/posts', { authorId: 'star', postId: `loud-${i}`, text: TEXT })),
    () => Promise.all(Array.from({ length: POSTS }, (_, i) => resultOf(client, fanOutId(`loud-${i}`)))),
  );
  const row = {
    read: round((fanned.read - post.read) / FOLLOWERS),
    write: round((fanned.write - post.write) / FOLLOWERS),
  };
  for (let i = 0; i < 20; i++)
    await call(bench, 'post', '/v1/posts', { authorId: 'star', postId: `more-${i}`, text: TEXT });
  await Promise.all(Array.from({ length: 20 }, (_, i) => resultOf(client, fanOutId(`more-${i}`))));
  const page = await meter.of(10, () => each(10, (i) => call(bench, 'get', `/v1/users/${readers[i]}/feed?limit=20`)));
  const follow = await meter.of(
    1,
    () => each(1, () => call(bench, 'put', '/v1/users/follower/following/star')),
    () => resultOf(client, relationId({ readerId: 'follower', authorId: 'star', epoch: 1 })),
  );
  return {
    units: { follow, post, row, page },
    actions: await actionsOf(bench, fanOutId('loud-0')),
    followActions: await actionsOf(bench, relationId({ readerId: 'follower', authorId: 'star', epoch: 1 })),
  };
}

async function devicesOf(
  bench: Bench,
): Promise<{ units: Measured['units']['devices']; actions: number; bytes: number; archivedBytes: number }> {
  const { meter, graph } = bench;
  const readings = (day: number, from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({
      timestamp: new Date(day + (from + i) * 60_000).toISOString(),
      metrics: {
        temperature: Number((20 + 5 * Math.sin(i / 90) + Math.random()).toFixed(2)),
        humidity: Number((55 + 5 * Math.cos(i / 70) + Math.random()).toFixed(1)),
        windowOpen: i % 50 === 0,
      },
      status: 'ok',
    }));
  const send = (device: string, batch: object[]) =>
    call(bench, 'post', `/v1/devices/${device}/readings`, { readings: batch });
  const handled = async () =>
    (await graph.metrics.registry.getSingleMetric('longwatch_stream_records_total')!.get()).values
      .filter(({ labels }) => labels['stream'] === 'device-data')
      .reduce((sum, { value }) => sum + value, 0) as number;
  const today = Math.floor(Date.now() / 60_000) * 60_000 - 60 * 60_000;
  const BATCHES = 10;
  await each(BATCHES, (i) => send(`d-${i}`, readings(today, 0, 1)));
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  // The measured units include the reading itself, which is one write unit (a test of the store asserts that).
  const rollup = async (from: number, batch: number): Promise<Units> => {
    const before = await handled();
    const units = await meter.of(BATCHES, async () => {
      for (let i = 0; i < BATCHES; i++) {
        await each(1, () => send(`d-${i}`, readings(today, from, batch)));
        await eventually(handled, (count) => count >= before + (i + 1) * batch);
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    });
    return { read: units.read, write: round(units.write - batch) };
  };
  const rollups = [
    { batch: 1, units: await rollup(1, 1) },
    { batch: 10, units: await rollup(2, 10) },
  ];
  const latest = await meter.of(BATCHES, () => each(BATCHES, (i) => call(bench, 'get', `/v1/devices/d-${i}/latest`)));
  const bytes = await meter.bytes('DeviceData');
  const day = Math.floor(Date.now() / DAY_MS) * DAY_MS - 3 * DAY_MS;
  const ROWS = 2_000;
  for (let i = 0; i < 4; i++) await each(1, () => send(`old-${i}`, readings(day, 0, ROWS / 4)));
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const date = new Date(day).toISOString().slice(0, 10);
  let workflowId = '';
  const archived = await meter.of(
    ROWS,
    async () => {
      const { body } = await call(bench, 'post', `/v1/archives/${date}`);
      workflowId = (body as { workflowId: string }).workflowId;
    },
    () => resultOf(bench.client, workflowId),
  );
  const { body } = await call(bench, 'get', `/v1/archives/${date}`);
  return {
    units: { reading: { read: 0, write: 1 }, rollups, archived, latest },
    actions: await actionsOf(bench, workflowId),
    bytes,
    archivedBytes: round((body as { bytes: number }).bytes / ROWS),
  };
}

async function paymentRequests(bench: Bench): Promise<Units> {
  const { meter } = bench;
  const users = Array.from({ length: TIMES }, (_, i) => `payer-${i}`);
  const pay = (i: number) =>
    call(bench, 'post', '/v1/transactions', payment({ userId: users[i % TIMES], merchantId: `m-${i % 5}` }));
  await each(TIMES * 3, pay);
  return meter.of(TIMES, () => each(TIMES, pay));
}

/**
 * Measures cases that an investigator decides at once, and the merchants' counters, which the stream reader updates.
 */
async function casesOf(
  bench: Bench,
  paid: Units,
): Promise<{ counters: Units; units: Measured['units']['fraud']['case']; actions: number; workflowId: string }> {
  const { meter, graph } = bench;
  const counted = async () =>
    (await graph.metrics.registry.getSingleMetric('longwatch_stream_records_total')!.get()).values
      .filter(({ labels }) => labels['stream'] === 'transaction-history')
      .reduce((sum, { value }) => sum + value, 0) as number;
  const begun = await counted();
  const together = await meter.of(
    TIMES,
    () =>
      each(TIMES, (i) =>
        call(bench, 'post', '/v1/transactions', payment({ userId: `payer-${i}`, merchantId: `m-${i % 5}` })),
      ),
    () => eventually(counted, (count) => count >= begun + TIMES),
  );
  const counters = less(together, paid);
  await merchantDecides(graph.app);
  const ids: string[] = [];
  const CASES = 4;
  const units = await meter.of(CASES, async () => {
    for (let i = 0; i < CASES; i++) {
      const asked = payment({ merchantId: 'review' });
      ids.push(asked.transactionId);
      await each(1, () => call(bench, 'post', '/v1/transactions', asked));
      await eventually(
        async () => (await call(bench, 'get', `/v1/investigations/${asked.transactionId}`)).body as { status: string },
        ({ status }) => status === 'waiting',
      );
      await each(1, () =>
        call(bench, 'post', `/v1/investigations/${asked.transactionId}/decide`, { decision: 'genuine' }),
      );
      await resultOf(bench.client, investigationId(asked.transactionId));
    }
  });
  return {
    counters,
    units: less(less(units, paid), counters),
    actions: await actionsOf(bench, investigationId(ids[0]!)),
    workflowId: investigationId(ids[0]!),
  };
}
