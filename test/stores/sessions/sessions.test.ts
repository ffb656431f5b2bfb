import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import express from 'express';
import expressSession from 'express-session';
import request from 'supertest';
import { LOCAL_CREDENTIALS } from '../../../src/config/endpoints';
import { engines } from '../../../src/local/dynamodb';
import type { MalformedItem } from '../../../src/stores/items';
import { dataKey, sessionKey } from '../../../src/stores/sessions/keys';
import { UserSessions } from '../../../src/stores/sessions/userSessions';
import { REGION, startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { rotated, sessionOf, testStore, type TestStore } from '../../support/sessions';

const MINUTE = 60_000;
const ownerOf = (session: object) => ({
  ...((session as { userId?: string }).userId !== undefined && { userId: (session as { userId: string }).userId }),
});

describe.each(engines)('on %s', (engine) => {
  let dynamodb: TestDynamoDB;
  /** Of the clock that the stores have. */
  let now = Date.now();
  const clock = () => now;
  beforeAll(async () => {
    dynamodb = await startTestDynamoDB(engine);
  });
  afterAll(() => dynamodb?.stop());

  const options = {
    idleTimeoutMs: 30 * MINUTE,
    absoluteTimeoutMs: 12 * 60 * MINUTE,
    touchThresholdMs: 3 * MINUTE,
    ownerOf,
    expiryBuckets: 4,
    now: clock,
  };
  const open = (more: Parameters<typeof testStore>[1] = {}): TestStore => testStore(dynamodb, { ...options, ...more });
  /** A session that is saved, and in the hands of a request that has loaded it. */
  async function loaded(store: TestStore, data: object = { a: 1 }) {
    const id = randomUUID();
    await store.set(id, sessionOf(data));
    const session = (await store.get(id))!;
    expect(session).not.toBeNull();
    return { id, session };
  }

  it('what is saved is what is read, whatever its size', async () => {
    const store = open();
    for (const size of [10, 600, 1_000, 3_000, 60_000]) {
      const { id, session } = await loaded(store, { text: 'ä'.repeat(size / 2) });
      expect(session['text']).toBe('ä'.repeat(size / 2));
      // And from large to small and back.
      for (const next of [5, 2_000]) {
        const again = (await store.get(id))!;
        again['text'] = 'b'.repeat(next);
        await store.set(id, again);
        expect((await store.get(id))!['text']).toBe('b'.repeat(next));
      }
    }
  });

  it('a get costs one read unit up to 4 KB', async () => {
    const store = open();
    for (const [size, units] of [
      [100, 1],
      [900, 1],
      [3_200, 1],
      [4_500, 2],
      [16_000, 5],
    ] as const) {
      const { id } = await loaded(store, { text: 'x'.repeat(size) });
      expect([size, await dynamodb.unitsOf(() => store.get(id))]).toEqual([size, { read: units, write: 0 }]);
      expect(dynamodb.calls).toHaveLength(1);
    }
  });

  it('a touch costs one write unit whatever the size of the data, and nothing in the index', async () => {
    const store = open();
    for (const size of [100, 500, 540, 560, 580, 600, 620, 640, 660, 680, 700, 800, 3_200, 16_000]) {
      const { id, session } = await loaded(store, { userId: 'u'.repeat(64), text: 'x'.repeat(size) });
      now += 4 * MINUTE;
      expect(await dynamodb.unitsOf(() => store.touch(id, session))).toEqual({ read: 0, write: 1 });
    }
  });

  it('a touch that would move the expiry by less than the threshold costs nothing', async () => {
    const store = open();
    const { id, session } = await loaded(store);
    now += 3 * MINUTE - 1;
    expect(await dynamodb.unitsOf(() => store.touch(id, session))).toEqual({ read: 0, write: 0 });
    now += 1;
    expect(await dynamodb.unitsOf(() => store.touch(id, session))).toEqual({ read: 0, write: 1 });
    expect(await dynamodb.unitsOf(() => store.touch(id, session))).toEqual({ read: 0, write: 0 });
    // By an object that the store has not given out: it reads, which costs a fraction of a write.
    expect(await dynamodb.unitsOf(() => store.touch(id, sessionOf()))).toEqual({ read: 1, write: 0 });
  });

  it('a threshold longer than the life does not end a session that is used', async () => {
    const store = open({ idleTimeoutMs: 2 * MINUTE });
    const { id, session } = await loaded(store);
    for (let i = 0; i < 10; i++) {
      now += MINUTE;
      await store.touch(id, session);
    }
    expect(await store.get(id)).not.toBeNull();
  });

  it(
    'a save of what is stored already is a touch; one of small data costs one write unit, of large as much as its ' +
      'data and one',
    async () => {
      const store = open();
      const { id, session } = await loaded(store);
      expect(await dynamodb.unitsOf(() => store.set(id, session))).toEqual({ read: 0, write: 0 });
      session['a'] = 2;
      expect(await dynamodb.unitsOf(() => store.set(id, session))).toEqual({ read: 0, write: 1 });
      session['text'] = 'x'.repeat(2_500);
      expect(await dynamodb.unitsOf(() => store.set(id, session))).toEqual({ read: 0, write: 3 + 1 });
    },
  );

  it('what opening and ending costs: with the index, and with a user', async () => {
    const store = open();
    const bare = open({ expiryBuckets: 0 });
    const [id, named, large, plain] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    const writes = async (work: () => Promise<unknown>) => (await dynamodb.unitsOf(work)).write;
    expect(await writes(() => bare.set(plain, sessionOf()))).toBe(1);
    expect(await writes(() => store.set(id, sessionOf()))).toBe(2);
    // A transaction of two items; the engines disagree on whether its index write counts twice.
    expect([5, 6]).toContain(await writes(() => store.set(named, sessionOf({ userId: 'ada' }))));
    expect(await writes(() => store.set(large, sessionOf({ text: 'x'.repeat(2_500) })))).toBe(2 + 3);
    expect(await writes(() => bare.destroy(plain))).toBe(1);
    expect(await writes(() => store.destroy(id))).toBe(2);
    expect(await writes(() => store.destroy(named))).toBe(3);
    expect(await writes(() => store.destroy(large))).toBe(2 + 3);
  });

  it('is alive to the last millisecond and over in the next', async () => {
    const store = open();
    const { id, session } = await loaded(store);
    now += 30 * MINUTE - 1;
    expect(await store.get(id)).toMatchObject({ a: 1 });
    now += 1;
    expect(await store.get(id)).toBeNull();
    session['a'] = 2;
    await store.set(id, session);
    await store.touch(id, session);
    now -= 10 * MINUTE; // A clock that was set back.
    expect(await store.get(id)).toBeNull();
  });

  it('ends at the absolute timeout however much it is used', async () => {
    const store = open();
    const { id, session } = await loaded(store);
    const opened = now;
    while (now + 20 * MINUTE < opened + 12 * 60 * MINUTE) {
      now += 20 * MINUTE;
      await store.touch(id, session);
    }
    now = opened + 12 * 60 * MINUTE - 1;
    expect(await store.get(id)).not.toBeNull();
    now++;
    expect(await store.get(id)).toBeNull();
  });

  it('lives as long as its cookie where there is no idle timeout; a cookie’s new length counts at once', async () => {
    const { idleTimeoutMs: _, ...rest } = options;
    const store = testStore(dynamodb, rest);
    const id = randomUUID();
    const lasting = (ms: number) => ({ originalMaxAge: ms, expires: new Date(now + ms), httpOnly: true, path: '/' });
    await store.set(id, sessionOf({ cookie: lasting(60 * MINUTE) }));
    const session = (await store.get(id))!;
    expect(new Date(session.cookie.expires!).getTime()).toBe(now + 60 * MINUTE);
    session.cookie = lasting(2 * MINUTE) as never;
    await store.set(id, session);
    now += 2 * MINUTE;
    expect(await store.get(id)).toBeNull();
  });

  it.each(['a log out', 'its expiry', 'a log out everywhere', 'a change of its id'])(
    'neither a save nor a touch brings a session back after %s',
    async (end) => {
      const store = open({ touchThresholdMs: 0 });
      for (const size of [10, 5_000]) {
        const { id, session } = await loaded(store, { userId: `user-${randomUUID()}`, a: 1 });
        const other = (await store.get(id))!;
        now += MINUTE;
        if (end === 'a log out') await store.destroy(id);
        if (end === 'its expiry') now += 30 * MINUTE;
        if (end === 'a log out everywhere') expect(await store.store.users.endAll(session['userId'] as string)).toBe(1);
        if (end === 'a change of its id') {
          const newId = randomUUID();
          await store.set(newId, rotated(store.store, other));
          expect(await store.get(newId)).toMatchObject({ a: 1 });
        }
        await store.touch(id, session);
        session['text'] = 'x'.repeat(size);
        await store.set(id, session);
        await store.set(id, session);
        // By an object of somebody else, and a first save that comes late.
        await store.set(id, sessionOf({ userId: session['userId'], text: 'y'.repeat(size) }));
        await store.touch(id, sessionOf());
        expect(await store.get(id)).toBeNull();
        expect(store.store.headOf(session)).toBeUndefined();
        // Of what came too late nothing is kept.
        const { Items } = await dynamodb.db.client.send(
          new ScanCommand({
            TableName: dynamodb.db.table('Sessions'),
            ConsistentRead: true,
            FilterExpression: 'SessionKey = :key',
            ExpressionAttributeValues: { ':key': sessionKey('', id) },
          }),
        );
        expect(Items).toHaveLength(1);
        expect(Items![0]).not.toHaveProperty('SessionData');
      }
    },
  );

  it('a session that was ended before it was ever saved cannot be saved', async () => {
    const store = open();
    const id = randomUUID();
    await store.destroy(id);
    await store.set(id, sessionOf());
    expect(await store.get(id)).toBeNull();
  });

  it('through express-session: a slow page that saves after the log out brings nothing back', async () => {
    const { store } = open();
    const app = express();
    app.use(
      expressSession({ store, secret: 'only for a test', resave: true, saveUninitialized: false, rolling: true }),
    );
    let goOn = () => {};
    const loggedOut = new Promise<void>((resolve) => (goOn = resolve));
    let arrived = () => {};
    const slowArrived = new Promise<void>((resolve) => (arrived = resolve));
    app.get(
      '/',
      (incoming, answer) =>
        void answer.send(String((incoming.session as unknown as { user?: string }).user ?? 'nobody')),
    );
    app.get('/enter', (incoming, answer) => {
      Object.assign(incoming.session, { user: 'ada' });
      answer.send('in');
    });
    app.get('/slow', (incoming, answer) => {
      arrived();
      void loggedOut.then(() => {
        Object.assign(incoming.session, { cart: 'book' });
        answer.send('done');
      });
    });
    app.get('/leave', (incoming, answer) => incoming.session.destroy(() => answer.send('out')));
    const entered = await request(app).get('/enter');
    const cookie = (entered.headers['set-cookie'] as unknown as string[])[0]!.split(';')[0]!;
    const get = (path: string) => request(app).get(path).set('cookie', cookie);
    expect((await get('/')).text).toBe('ada');
    const slow = get('/slow').then(({ text }) => text);
    await slowArrived;
    await get('/leave');
    goOn();
    expect(await slow).toBe('done');
    expect((await get('/')).text).toBe('nobody');
  });

  it('a log out and saves at once: it has ended, whoever was first', async () => {
    const store = open({ touchThresholdMs: 0 });
    for (let round = 0; round < 6; round++) {
      const { id } = await loaded(store);
      const hands = await Promise.all(Array.from({ length: 4 }, () => store.get(id)));
      now += 1;
      await Promise.all([
        ...hands.map((session, i) => store.set(id, Object.assign(session!, { text: 'x'.repeat(i * 500) }))),
        store.destroy(id),
        ...hands.map((session) => store.touch(id, session!)),
      ]);
      expect(await store.get(id)).toBeNull();
    }
  });

  it('first saves and a log out at once: it has ended', async () => {
    const store = open();
    for (let round = 0; round < 6; round++) {
      const id = randomUUID();
      await Promise.all([store.set(id, sessionOf({ a: 1 })), store.destroy(id), store.set(id, sessionOf({ a: 2 }))]);
      expect(await store.get(id)).toBeNull();
    }
  });

  it('two saves at once: the later expiry stays, and one of the data', async () => {
    const early = open();
    const late = open({ now: () => now + 5 * MINUTE });
    for (let round = 0; round < 6; round++) {
      const { id } = await loaded(early);
      const [one, two, three] = [(await early.get(id))!, (await late.get(id))!, (await early.get(id))!];
      now += MINUTE;
      await Promise.all([
        early.set(id, Object.assign(one, { a: 'early' })),
        late.set(id, Object.assign(two, { a: 'late' })),
        early.set(id, Object.assign(three, { a: 'early' })),
      ]);
      const found = (await early.get(id))!;
      expect(['early', 'late']).toContain(found['a']);
      expect(early.store.headOf(found)!.expiresAt).toBe(now + 35 * MINUTE);
    }
  });

  it('a clock that is set back neither shortens a session nor brings one back', async () => {
    const store = open({ touchThresholdMs: 0 });
    const { id, session } = await loaded(store);
    const { expiresAt } = store.store.headOf(session)!;
    now -= 20 * MINUTE;
    await store.touch(id, session);
    session['a'] = 2;
    await store.set(id, session);
    expect(store.store.headOf((await store.get(id))!)!.expiresAt).toBe(expiresAt);
    now = expiresAt - 1;
    expect(await store.get(id)).toMatchObject({ a: 2 });
    now = expiresAt;
    expect(await store.get(id)).toBeNull();
    now -= 20 * MINUTE;
    expect(await store.get(id)).toBeNull();
  });

  it('a change of id and a log out everywhere at once: neither the old id works nor the new one', async () => {
    const store = open();
    const { users } = store.store;
    for (let round = 0; round < 6; round++) {
      const userId = `user-${randomUUID()}`;
      const all = await Promise.all(Array.from({ length: 4 }, () => loaded(store, { userId })));
      const ids = all.map(({ id }) => id);
      const rotating = all.map(async ({ id, session }) => {
        let current = { id, session: session as object };
        for (let i = 0; i < 2 && store.store.headOf(current.session); i++) {
          current = { id: randomUUID(), session: rotated(store.store, current.session) };
          ids.push(current.id);
          await store.set(current.id, current.session);
        }
      });
      await Promise.all([users.endAll(userId), ...rotating]);
      for (const id of ids) expect(await store.get(id)).toBeNull();
      expect((await users.list(userId)).items).toEqual([]);
    }
  });

  it('lists a user’s sessions from the moment that they are saved, page by page', async () => {
    const store = open();
    const { users } = store.store;
    const userId = `user-${randomUUID()}`;
    const handles: string[] = [];
    for (let i = 0; i < 5; i++) {
      now += 1;
      const { session } = await loaded(store, { userId });
      handles.unshift(store.store.headOf(session)!.handle);
      expect((await users.list(userId)).items.map(({ handle }) => handle)).toEqual(handles);
    }
    const first = await users.list(userId, { limit: 2 });
    const second = await users.list(userId, { limit: 10, cursor: first.cursor! });
    expect([...first.items, ...second.items].map(({ handle }) => handle)).toEqual(handles);
    await expect(users.list(userId, { cursor: 'bm9uZQ' })).rejects.toMatchObject({ type: 'invalid' });
  });

  it('a malformed session is missing in the list of its user, and a repeated log out everywhere ends all', async () => {
    const store = open();
    const userId = `user-${randomUUID()}`;
    const [odd, other] = [await loaded(store, { userId }), await loaded(store, { userId })];
    const TableName = dynamodb.db.table('Sessions');
    await dynamodb.db.client.send(
      new UpdateCommand({
        TableName,
        Key: { SessionKey: sessionKey('', odd.id), Part: 'session' },
        UpdateExpression: 'SET Device = :odd',
        ExpressionAttributeValues: { ':odd': 7 },
      }),
    );
    const reported: string[] = [];
    const db = { ...dynamodb.db, onMalformed: ({ reason }: MalformedItem) => void reported.push(reason) };
    const users = new UserSessions(db, store.store.ends, { prefix: '', now: () => now });
    const handles = (await users.list(userId)).items.map(({ handle }) => handle);
    expect(handles).toEqual([store.store.headOf(other.session)!.handle]);
    expect(reported).toEqual(['Device is not a string']);
    await users.endAll(userId).catch(() => undefined);
    await users.endAll(userId);
    const { Items = [] } = await dynamodb.db.client.send(
      new ScanCommand({
        TableName,
        FilterExpression: 'UserID = :user',
        ExpressionAttributeValues: { ':user': userId },
      }),
    );
    expect(Items.map((item) => item['EndReason'])).toEqual(['revoked', 'revoked']);
  });

  it('a session’s user cannot change: somebody who signs in gets a new id', async () => {
    const store = open();
    const { id, session } = await loaded(store);
    session['userId'] = 'ada';
    await expect(store.set(id, session)).rejects.toThrow(/regenerate/);
    expect(await store.get(id)).not.toHaveProperty('userId');
  });

  it('cut off between the parts of a large save, the session is as it was or as it was to be', async () => {
    const store = open();
    const { id, session } = await loaded(store, { text: 'x'.repeat(3_000) });
    // The data is gone, the head is not: the end of somebody who was cut off there. It is over, not half alive.
    await dynamodb.db.client.send(
      new DeleteCommand({ TableName: dynamodb.db.table('Sessions'), Key: dataKey(sessionKey('', id)) }),
    );
    expect(await store.get(id)).toBeNull();
    session['text'] = 'small';
    await store.set(id, session);
    expect(await store.get(id)).toMatchObject({ text: 'small' });
  });

  it('all, length and clear see the sessions of their prefix alone', async () => {
    const [mine, other] = [open({ prefix: `${randomUUID()}:` }), open({ prefix: 'p' })];
    const longer = open({ prefix: 'pp' });
    const id = randomUUID();
    await Promise.all([mine, other, longer].map((store) => store.set(id, sessionOf({ a: 1 }))));
    const { id: second } = await loaded(mine, { text: 'x'.repeat(2_000) });
    const { id: gone } = await loaded(mine);
    await mine.destroy(gone);
    const { id: expired } = await loaded(mine);
    const length = (of: TestStore) => new Promise((resolve) => of.store.length((_, count) => resolve(count)));
    const all = (of: TestStore) => new Promise<object>((resolve) => of.store.all((_, sessions) => resolve(sessions!)));
    now += 20 * MINUTE;
    for (const one of [id, second]) await mine.touch(one, (await mine.get(one))!);
    for (const store of [other, longer]) await store.touch(id, (await store.get(id))!);
    now += 15 * MINUTE;
    expect(await mine.get(expired)).toBeNull();
    expect([await length(mine), await length(other), await length(longer)]).toEqual([2, 1, 1]);
    expect(
      Object.values(await all(mine))
        .map((session) => Object.keys(session))
        .sort(),
    ).toEqual([
      ['cookie', 'a'],
      ['cookie', 'text'],
    ]);
    await new Promise<void>((resolve, reject) =>
      mine.store.clear((error) => (error ? reject(error as Error) : resolve())),
    );
    expect([await length(mine), await length(other), await length(longer)]).toEqual([0, 1, 1]);
    expect(await mine.get(id)).toBeNull();
    expect(await other.get(id)).toMatchObject({ a: 1 });
  });

  it('a serializer may keep bytes', async () => {
    const serializer = {
      stringify: (session: object) => Buffer.from(JSON.stringify(session)).map((byte) => byte ^ 1),
      parse: (bytes: string | Uint8Array) =>
        JSON.parse(
          Buffer.from(bytes as Uint8Array)
            .map((byte) => byte ^ 1)
            .toString(),
        ),
    };
    const store = open({ serializer: serializer as never });
    for (const size of [10, 3_000]) {
      const { id, session } = await loaded(store, { text: 'x'.repeat(size) });
      expect(session['text']).toBe('x'.repeat(size));
      expect(await dynamodb.unitsOf(() => store.set(id, session))).toEqual({ read: 0, write: 0 });
    }
  });

  it('takes any client of the SDK as it is, and leaves it as it was', async () => {
    const raw = new DynamoDBClient({ region: REGION, endpoint: dynamodb.endpoint, credentials: LOCAL_CREDENTIALS });
    const wrapping = DynamoDBDocumentClient.from(raw, { unmarshallOptions: { wrapNumbers: true } });
    for (const client of [raw, wrapping]) {
      const { id, session } = await loaded(open({ client }));
      expect(session).toMatchObject({ a: 1 });
      await open({ client }).destroy(id);
    }
    const caching = new DynamoDBClient({
      region: REGION,
      endpoint: dynamodb.endpoint,
      credentials: LOCAL_CREDENTIALS,
      cacheMiddleware: true,
    });
    const { session } = await loaded(open({ client: caching }), { userId: 'ada' });
    expect(session).toMatchObject({ userId: 'ada' });
    caching.destroy();
    expect(wrapping.config.translateConfig).toEqual({
      unmarshallOptions: expect.objectContaining({ wrapNumbers: true }),
    });
    raw.destroy();
  });

  it('refuses data over the limit, and keeps what was there', async () => {
    const store = open({ maxDataBytes: 2_000 });
    const { id, session } = await loaded(store);
    session['text'] = 'x'.repeat(2_000);
    await expect(store.set(id, session)).rejects.toThrow(/has 2\d\d\d bytes; at most 2000 are allowed/);
    expect(await store.get(id)).toEqual(sessionOf({ a: 1 }));
    await expect(store.set(randomUUID(), sessionOf({ text: 'x'.repeat(2_000) }))).rejects.toMatchObject({
      type: 'invalid',
    });
  });
});

it('names the option that is wrong', () => {
  const client = new DynamoDBClient({ region: REGION });
  const make = (more: object) => () => testStore({ db: { client, table: () => 'sessions' } } as never, more);
  expect(make({ client: undefined })).toThrow(/client must be/);
  expect(make({ tableName: '' })).toThrow(/tableName must name/);
  expect(make({ idleTimeoutMs: 0 })).toThrow(/idleTimeoutMs must be an integer from 1/);
  expect(make({ absoluteTimeoutMs: Number.POSITIVE_INFINITY })).toThrow(/absoluteTimeoutMs/);
  expect(make({ maxDataBytes: 1e9 })).toThrow(/maxDataBytes/);
});
