import { randomUUID } from 'node:crypto';
import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { SessionSweeper, type SweeperParts } from '../../../src/operations/sessions/sweeper';
import type { SweepReport } from '../../../src/domain/sessions/workflows';
import { LongwatchError } from '../../../src/domain/errors';
import { inLanes } from '../../../src/domain/lanes';
import type { Notification } from '../../../src/domain/platform/notification';
import { type EndedSession, SessionEvents } from '../../../src/operations/sessions/sessionEvents';
import { bucketOf, sessionKey } from '../../../src/stores/sessions/keys';
import { ExpiryIndex } from '../../../src/stores/sessions/expiryIndex';
import type { Db } from '../../../src/stores/dynamodb';
import { createTableInput } from '../../../src/stores/tableCreation';
import { physicalName } from '../../../src/stores/tableSpec';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { type SeenCall, whileDenying, whileRefusing } from '../../support/refusals';
import { sessionOf, testStore } from '../../support/sessions';
import { sessionTables } from '../../../src/stores/sessions/tables';
import { clockOf } from '../../support/clock';

const MINUTE = 60_000;
const IDLE = 30 * MINUTE;
let dynamodb: TestDynamoDB;
beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
});
afterAll(() => dynamodb?.stop());

interface Told {
  id: string;
  events: { id: string; userId?: string; reason: string; at: string }[];
}

let worlds = 0;
/** A world of its own: a table of sessions that no other test has, a clock that the test moves. */
async function world({
  told = [] as Told[],
  refuses = () => undefined as LongwatchError | undefined,
  subscribed = true,
  dies = false,
} = {}) {
  const prefix = `world-${++worlds}-`;
  await dynamodb.client.send(new CreateTableCommand(createTableInput(prefix, 'Sessions', sessionTables.Sessions)));
  const db: Db = { ...dynamodb.db, table: (name) => physicalName(prefix, name) };
  let now = Date.now();
  const clock = () => now;
  const faults: unknown[] = [];
  const late: number[] = [];
  const waiting: EndedSession[] = [];
  const events = new SessionEvents({
    notifications: {
      send: async ({ id, text }: Notification) => {
        const fault = refuses();
        if (fault) throw fault;
        told.push({ id, ...(JSON.parse(text) as { events: Told['events'] }) });
      },
    },
    ends: { removeFromIndex: (key) => store.store.ends.removeFromIndex(key) },
    recipient: 'subscriber',
    onFault: (error) => faults.push(error),
  });
  const store = testStore(
    { db },
    {
      idleTimeoutMs: IDLE,
      absoluteTimeoutMs: 120 * MINUTE,
      ownerOf: (session) => ('userId' in session ? { userId: String(session.userId) } : {}),
      expiryBuckets: 1,
      keepEvents: subscribed,
      now: clock,
      watch: { ended: (event, key) => void (dies || waiting.push({ event, key })) },
    },
  );
  const sweeper = (over: Partial<SweeperParts> = {}) =>
    new SessionSweeper({
      index: new ExpiryIndex(db),
      ends: store.store.ends,
      ...(subscribed && { events }),
      shortestLifeMs: IDLE,
      onLateness: (ms) => late.push(ms),
      onFault: (error) => faults.push(error),
      clock: clockOf(clock),
      ...over,
    });
  return {
    ...store,
    db,
    clock,
    faults,
    late,
    told,
    sweep: (forMs = 0): Promise<SweepReport> => sweeper().sweep('0', { signal: new AbortController().signal, forMs }),
    sweeper,
    /** What the process that ended sessions does soon after. */
    report: () => events.report(waiting.splice(0)),
    pass: (ms: number) => void (now += ms),
    async open(data: object = {}) {
      const id = randomUUID();
      await store.set(id, sessionOf(data));
      return id;
    },
    async use(id: string) {
      await store.touch(id, (await store.get(id))!);
    },
  };
}

it('one bucket is all keys', () => {
  expect(bucketOf(sessionKey('', randomUUID()), 1)).toBe('0');
  expect(new Set(Array.from({ length: 200 }, () => bucketOf(sessionKey('', randomUUID()), 4)))).toEqual(
    new Set(['0', '1', '2', '3']),
  );
});

it('sleeps until the next session is due, at most as long as the shortest life', async () => {
  const { open, sweep, pass } = await world();
  expect((await sweep()).sleepMs).toBe(IDLE);
  pass(10 * MINUTE);
  await open();
  pass(10 * MINUTE);
  expect((await sweep()).sleepMs).toBe(20 * MINUTE);
  pass(20 * MINUTE);
  expect(await sweep()).toMatchObject({ idle: 1, rearmed: 0, latestMs: 0, sleepMs: IDLE });
});

it('what falls due while it works is next, not forgotten', async () => {
  const sweepOf = async (before: number) => {
    const { open, pass, clock, sweeper } = await world({ subscribed: false });
    await open();
    pass(IDLE - before);
    // Each look at the clock takes its time.
    const ticking = sweeper({
      clock: clockOf(() => {
        pass(30);
        return clock();
      }),
    });
    const { idle } = await ticking.sweep('0', { signal: new AbortController().signal, forMs: 5 * MINUTE });
    return { before, idle };
  };
  const instants = Array.from({ length: 20 }, (_, i) => i * 10);
  expect(await Promise.all(instants.map(sweepOf))).toEqual(instants.map((before) => ({ before, idle: 1 })));
});

it('a session that was used is looked at again when due: one index write a life, however much it is used', async () => {
  const { open, use, sweep, pass, get, late } = await world({ subscribed: false });
  const id = await open();
  for (let i = 0; i < 5; i++) {
    pass(5 * MINUTE);
    await use(id);
  }
  pass(5 * MINUTE);
  expect(await sweep()).toMatchObject({ idle: 0, rearmed: 1, sleepMs: 25 * MINUTE });
  expect(await get(id)).not.toBeNull();
  pass(25 * MINUTE + 1_234);
  expect(await sweep()).toMatchObject({ idle: 1, rearmed: 0, latestMs: 1_234 });
  expect(late).toEqual([1_234]);
  expect(await sweep()).toMatchObject({ idle: 0, sleepMs: IDLE });
});

it('ends idle and absolute sessions with their reasons, and tells of each once', async () => {
  const { open, use, sweep, pass, report, told, destroy } = await world();
  const idle = await open({ userId: 'ida' });
  const busy = await open({ userId: 'abe' });
  const left = await open({ userId: 'leo' });
  for (let i = 0; i < 5; i++) {
    pass(25 * MINUTE);
    if (i < 4) await use(busy);
    if (i === 0) await destroy(left);
    await sweep();
    await report();
  }
  expect(await sweep()).toMatchObject({ idle: 0, absolute: 0, reported: 0 });
  expect(told.flatMap(({ events }) => events.map(({ userId, reason }) => `${userId} ${reason}`)).sort()).toEqual([
    'abe absolute',
    'ida idle',
    'leo logout',
  ]);
  expect(new Set(told.flatMap(({ events }) => events.map(({ id }) => id))).size).toBe(3);
  // What they were told is the handle, never an id or its hash.
  expect(JSON.stringify(told)).not.toContain(sessionKey('', idle));
});

it('what the process that ended a session did not live to tell, the sweeper tells, after a while', async () => {
  const { open, destroy, sweep, pass, told } = await world({ dies: true });
  const id = await open({ userId: 'ada' });
  pass(MINUTE);
  await destroy(id);
  expect(await sweep()).toMatchObject({ reported: 0, sleepMs: 10_000 });
  expect(told).toEqual([]);
  pass(10_000);
  expect(await sweep()).toMatchObject({ reported: 1, sleepMs: IDLE });
  expect(told).toMatchObject([{ events: [{ userId: 'ada', reason: 'logout' }] }]);
  expect(await sweep()).toMatchObject({ reported: 0 });
});

it('a subscriber that is away holds up no end; it is told when it is back', async () => {
  let away = true;
  const { open, sweep, pass, told, faults } = await world({
    dies: true,
    refuses: () => (away ? new LongwatchError('unavailable', 'away') : undefined),
  });
  await open();
  pass(IDLE);
  expect(await sweep()).toMatchObject({ idle: 1 });
  pass(MINUTE);
  await open();
  expect(await sweep()).toMatchObject({ reported: 0, sleepMs: 10_000 });
  expect(faults).toHaveLength(1);
  pass(IDLE);
  expect(await sweep()).toMatchObject({ idle: 1, reported: 0 });
  away = false;
  pass(MINUTE);
  expect(await sweep()).toMatchObject({ reported: 2 });
  expect(told.flatMap(({ events }) => events)).toHaveLength(2);
});

it('told twice only where somebody died between the message and its note, with the same ids', async () => {
  const told: Told[] = [];
  const { open, sweep, pass, sweeper } = await world({ dies: true, told });
  const ids = await Promise.all(Array.from({ length: 5 }, () => open()));
  pass(IDLE);
  await sweep();
  pass(MINUTE);
  const dying = sweeper({
    events: {
      report: async (ended) => (
        told.push({ id: 'sent, not noted', events: ended.map(({ event }) => event) as never }),
        new Set()
      ),
    },
  });
  await dying.sweep('0', { signal: new AbortController().signal, forMs: 0 });
  await sweep();
  const [first, second] = told.map(({ events }) => events.map(({ id }) => id).sort());
  expect(first).toHaveLength(ids.length);
  expect(second).toEqual(first);
});

it('nobody listens any more: owed events are dropped from the index', async () => {
  const { open, destroy, sweep, pass, clock, store, db } = await world({ dies: true });
  await destroy(await open());
  pass(MINUTE);
  const deaf = new SessionSweeper({
    index: new ExpiryIndex(db),
    ends: store.ends,
    shortestLifeMs: IDLE,
    onFault: () => undefined,
    clock: clockOf(clock),
  });
  await deaf.sweep('0', { signal: new AbortController().signal, forMs: 0 });
  expect(await sweep()).toMatchObject({ reported: 0, sleepMs: IDLE });
});

it('hours of downtime are caught up in one go, oldest first; meanwhile nobody was let in', async () => {
  const { open, use, sweep, pass, get } = await world({ subscribed: false });
  // Some at a time: an engine on a busy machine takes no 250 new connections within a second.
  const ids = await inLanes(Array.from({ length: 250 }), 32, () => open());
  pass(20 * MINUTE);
  await Promise.all(ids.slice(0, 40).map(use));
  pass(9 * 60 * MINUTE);
  expect(await get(ids[100]!)).toBeNull();
  const report = await sweep();
  expect(report).toMatchObject({ idle: 249, absolute: 0, rearmed: 0, sleepMs: IDLE });
  for (const id of [ids[0]!, ids[249]!]) expect(await get(id)).toBeNull();
});

it('killed anywhere and begun again, or two at once: each session ends once', async () => {
  const { open, pass, get, sweeper, report, told, faults, db } = await world();
  const ids = await Promise.all(Array.from({ length: 60 }, () => open()));
  pass(IDLE);
  const index = new ExpiryIndex(db);
  let reads = 0;
  // It dies with the second page in hand.
  const dying = sweeper({
    index: Object.assign(Object.create(index) as ExpiryIndex, {
      heads: async (keys: string[]) =>
        ++reads > 1 ? Promise.reject(new Error('killed')) : (await index.heads(keys)).slice(0, 25),
    }),
  });
  const signal = new AbortController().signal;
  await dying.sweep('0', { signal, forMs: 0 });
  const [one, two] = await Promise.all([
    sweeper().sweep('0', { signal, forMs: 0 }),
    sweeper().sweep('0', { signal, forMs: 0 }),
  ]);
  expect(one.idle + two.idle).toBe(60 - 25);
  for (const id of ids) expect(await get(id)).toBeNull();
  await report();
  expect(new Set(told.flatMap(({ events }) => events.map(({ id }) => id))).size).toBe(60);
  expect(told.flatMap(({ events }) => events)).toHaveLength(60);
  expect(faults).toEqual([]);
});

it('stays while more comes due soon, and ends each within the moment that it gathers', async () => {
  const store = testStore(dynamodb, { idleTimeoutMs: 1_500, absoluteTimeoutMs: MINUTE, expiryBuckets: 1 });
  const late: number[] = [];
  const sweeper = new SessionSweeper({
    index: new ExpiryIndex(dynamodb.db),
    ends: store.store.ends,
    shortestLifeMs: 61_000,
    onLateness: (ms) => late.push(ms),
    onFault: () => undefined,
  });
  const ids: string[] = [];
  for (let i = 0; i < 12; i++) {
    ids.push(randomUUID());
    await store.set(ids[i]!, sessionOf());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const report = await sweeper.sweep('0', { signal: new AbortController().signal, forMs: 30_000 });
  expect(report).toMatchObject({ idle: 12, sleepMs: 61_000 });
  expect(Math.max(...late)).toBeLessThan(MINUTE);
});

it(
  'a session whose end is refused for good is skipped and told once; the others end, and so does it once it is ' +
    'taken',
  async () => {
    const { open, sweeper, sweep, pass, get, told, faults, report } = await world();
    const ids = [await open({ userId: 'ada' }), await open({ userId: 'ben' }), await open({ userId: 'eva' })];
    const key = sessionKey('', ids[1]!);
    pass(IDLE + 1);
    const skipped: string[] = [];
    const ends = (call: SeenCall) => call.operation === 'Update' && call.text.includes(key);
    const stayed = sweeper({ onSkipped: (entity, error) => skipped.push(`${entity}: ${(error as Error).message}`) });
    expect(
      await whileRefusing(ends, () => stayed.sweep('0', { signal: new AbortController().signal, forMs: 0 })),
    ).toMatchObject({ idle: 2 });
    await report();
    expect(skipped).toEqual([expect.stringMatching(new RegExp(`the session ${key}: DynamoDB cannot store it`))]);
    expect(told.flatMap(({ events }) => events.map(({ userId }) => userId)).sort()).toEqual(['ada', 'eva']);
    expect(faults).toEqual([]);
    // The next activity asks for it again, and ends it.
    expect(await sweep()).toMatchObject({ idle: 1 });
    expect(await get(ids[1]!)).toBeNull();
  },
);

it.each([
  ['settled', (key: string) => (call: SeenCall) => call.operation.startsWith('Update') && call.text.includes(key)],
  ['read', (key: string) => (call: SeenCall) => call.operation.startsWith('BatchGet') && call.text.includes(key)],
])('an end that can never be %s keeps no other from being told, and is told once', async (_, refusing) => {
  const {
    open,
    sweep,
    sweeper,
    pass,
    told,
    faults,
    store: { ends },
  } = await world({ dies: true });
  const ids = await Promise.all(Array.from({ length: 40 }, () => open()));
  const odd = sessionKey('', ids[0]!);
  pass(IDLE + 1);
  await sweep();
  pass(MINUTE);
  const skipped: string[] = [];
  const reporting = sweeper({
    onSkipped: (entity) => skipped.push(entity),
    events: new SessionEvents({
      notifications: {
        send: async ({ id, text }: Notification) =>
          void told.push({ id, ...(JSON.parse(text) as { events: Told['events'] }) }),
      },
      ends: { removeFromIndex: (key) => ends.removeFromIndex(key) },
      recipient: 'subscriber',
      onFault: (error) => faults.push(error),
      onSkipped: (entity) => skipped.push(entity),
    }),
  });
  const report = await whileRefusing(refusing(odd), () =>
    reporting.sweep('0', { signal: new AbortController().signal, forMs: 0 }),
  );
  expect(report).toMatchObject({ reported: 39 });
  expect(skipped).toEqual([expect.stringContaining(odd)]);
  expect(faults).toEqual([]);
  // What could not be settled is all that is still owed.
  expect(await sweep()).toMatchObject({ reported: 1 });
});

it('where the grant is missing, no session is skipped: the sweep is refused, and its workflow holds', async () => {
  const { open, sweeper, pass } = await world();
  await open();
  pass(IDLE + 1);
  const skipped: string[] = [];
  const denied = sweeper({ onSkipped: (entity) => skipped.push(entity) });
  await expect(
    whileDenying(
      ({ operation }) => operation === 'Update',
      () => denied.sweep('0', { signal: new AbortController().signal, forMs: 0 }),
    ),
  ).rejects.toMatchObject({ type: 'refused' });
  expect(skipped).toEqual([]);
});
