import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import request from 'supertest';
import { listen, type Listening } from '../../src/api/http/server';
import { inLanes } from '../../src/domain/lanes';
import { seasonKey } from '../../src/domain/leaderboards/rankShards';
import { DeadLetterStore } from '../../src/stores/platform/deadLetters';
import { rollupId } from '../../src/stores/devices/rollups';
import { seasonEntry } from '../../src/stores/leaderboards/boardItems';
import { BoardStore } from '../../src/stores/leaderboards/boards';
import { StandingsStore } from '../../src/stores/leaderboards/standings';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { boardApi } from '../support/boards';

/**
 * Lists of each route, each with three entries at least: the route's operation, and the path without cursor and limit.
 */
const lists: [operation: string, path: string][] = [
  ['listOrders', '/v1/carts/ada/orders'],
  ['listOrders', '/v1/carts/ben/orders'],
  ['listRefunds', '/v1/refunds?status=due'],
  ['listRefunds', '/v1/refunds?status=done'],
  ['listFollowers', '/v1/users/cleo/followers'],
  ['listFollowers', '/v1/users/dan/followers'],
  ['listFollowing', '/v1/users/ada/following'],
  ['listFollowing', '/v1/users/ben/following'],
  ['listPosts', '/v1/users/cleo/posts'],
  ['listPosts', '/v1/users/dan/posts'],
  ['getFeed', '/v1/users/ada/feed?mode=pull'],
  ['getFeed', '/v1/users/ben/feed?mode=pull'],
  ['listNotifications', '/v1/notifications?recipient=ada'],
  ['listNotifications', '/v1/notifications?recipient=ben'],
  ['listSessions', '/v1/users/ada/sessions'],
  ['listSessions', '/v1/users/ben/sessions'],
  ['listSeasons', '/v1/boards/snake/seasons'],
  ['listSeasons', '/v1/boards/tetris/seasons'],
  ['getTop', '/v1/boards/snake/top?season=1'],
  ['getTop', '/v1/boards/tetris/top?season=1'],
  ['getStandings', '/v1/boards/snake/seasons/1/standings'],
  ['getStandings', '/v1/boards/tetris/seasons/1/standings'],
  ['listRewards', '/v1/boards/snake/seasons/1/rewards'],
  ['listRewards', '/v1/boards/snake/seasons/2/rewards'],
  ['listBans', '/v1/boards/snake/bans'],
  ['listBans', '/v1/boards/tetris/bans'],
  ['listArchives', '/v1/archives'],
  ['listReadings', '/v1/devices/a/readings'],
  ['listReadings', '/v1/devices/b/readings'],
  ['listReadings', '/v1/devices/a/readings?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&resolution=1h'],
  ['listReadings', '/v1/devices/a/readings?from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z&resolution=1h'],
  ['listDeadLetters', '/v1/dead-letters'],
  ['listDeadLetters', '/v1/dead-letters?source=one'],
  ['listDeadLetters', '/v1/dead-letters?source=two'],
  ['listInvestigations', '/v1/investigations?status=waiting'],
  ['listInvestigations', '/v1/investigations?status=asking'],
  ['listInvestigations', '/v1/investigations?assignee=ana'],
  ['listInvestigations', '/v1/investigations?assignee=ana&status=waiting'],
  ['getInvestigation', '/v1/investigations/tx-1'],
  ['getInvestigation', '/v1/investigations/tx-2'],
  ['listShadowDifferences', '/v1/shadow/differences'],
];

let graph: TestGraph;
let api: Listening;
const cursors = new Map<string, string>();
const get = async (path: string) => {
  const answer = await fetch(`${api.url}${path}`, { headers: [bearer('admin')] });
  const { status } = answer;
  return {
    status,
    body: (await answer.json()) as Record<string, unknown> & {
      detail?: string;
      errors?: { field: string; message: string }[];
    },
  };
};
const page = (path: string, cursor?: string, limit = 1) =>
  get(
    `${path}${path.includes('?') ? '&' : '?'}limit=${limit}` +
      (cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`),
  );
const entriesOf = (body: Record<string, unknown>) => (body['items'] ?? body['entries'] ?? body['timeline']) as object[];
const cursorOf = (body: Record<string, unknown>) => (body['cursor'] ?? body['older']) as string | undefined;

beforeAll(async () => {
  graph = await startTestGraph();
  api = await listen(graph.app, { host: '127.0.0.1', port: 0 });
  await furnish();
  for (const [, path] of lists) {
    const { status, body } = await page(path);
    const cursor = cursorOf(body);
    if (status !== 200 || cursor === undefined)
      throw new Error(`${path} has no second page: ${status} ${JSON.stringify(body).slice(0, 300)}`);
    cursors.set(path, cursor);
  }
});
afterAll(async () => {
  await api?.close(100);
  await graph?.stop();
});

async function call(
  method: 'put' | 'post',
  path: string,
  body: object = {},
  headers: Record<string, string> = {},
): Promise<void> {
  const { status, text } = await request(graph.app)
    [method](path)
    .set(...bearer('admin'))
    .set(headers)
    .send(body);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
}

/** Three entries for each list: by the API where that is short, else as the stores keep them. */
async function furnish(): Promise<void> {
  const client = DynamoDBDocumentClient.from(graph.dynamodb.client);
  const put = (table: string, Item: Record<string, unknown>) =>
    client.send(new PutCommand({ TableName: graph.dynamodb.db.table(table), Item }));
  const three = [1, 2, 3];
  const at = Date.parse('2026-01-01T00:00:00Z');
  const instant = new Date(at).toISOString();

  for (const user of ['ada', 'ben'])
    for (const i of three) {
      await put('Orders', {
        UserID: user,
        TimeOrderID: `${instant}#o-${i}`,
        OrderID: `o-${i}`,
        CheckoutID: 'c',
        PaymentReference: 'p',
        Lines: [],
        Total: 1,
        Currency: 'EUR',
        ConfirmedAt: at,
      });
      await put('Notifications', {
        Recipient: user,
        TimeID: `${instant}#n-${i}`,
        ID: `n-${i}`,
        Subject: 's',
        Text: 't',
        At: at,
        Results: {},
        Status: 'delivered',
      });
      await call('post', '/v1/sessions', { userId: user });
    }
  for (const status of ['due', 'done'])
    for (const i of three)
      await put('Checkouts', {
        CheckoutID: `${status}-${i}`,
        Entry: 'refund#p',
        UserID: 'ada',
        PaymentReference: 'p',
        Reason: 'late',
        RecordedAt: at,
        RefundStatus: status,
        RecordedAtID: `${instant}#${status}-${i}`,
      });

  for (const user of ['ada', 'ben', 'cleo', 'dan', 'eve']) await call('put', `/v1/users/${user}`, { name: user });
  for (const user of ['ada', 'ben', 'eve'])
    for (const other of ['cleo', 'dan']) await call('put', `/v1/users/${user}/following/${other}`);
  for (const user of ['ada', 'ben']) await call('put', `/v1/users/${user}/following/eve`);
  for (const user of ['cleo', 'dan'])
    for (const i of three) await call('post', '/v1/posts', { authorId: user, postId: `${user}-${i}`, text: 'hello' });

  const standings = new StandingsStore(graph.dynamodb.db);
  for (const game of ['snake', 'tetris']) {
    await standings.put(
      game,
      1,
      0,
      three.map((i) => ({ rank: i, playerId: `p-${i}`, score: 9 - i, subscore: 0, achievedAt: at })),
    );
    const board = boardApi(graph, game);
    await board.put('', { operator: 'best', seasons: { recurrence: '0 0 1 * *' } }).expect(201);
    for (const i of three) await call('put', `/v1/boards/${game}/bans/cheat-${i}`, { reason: 'cheats' });
    for (const i of three) await board.score(`p-${i}`, i);
    await board.rank();
    await new BoardStore(graph.dynamodb.db).finish(game, 1, three.length);
    for (const n of [2, 3])
      await put('Boards', {
        GameID: game,
        Entry: seasonEntry(n),
        StartsAt: Date.now() + n * 86_400_000,
        GraceMs: 0,
        SeasonStatus: 'open',
        Revision: 1,
      });
    for (const i of three) {
      await put('LeaderboardStandings', {
        GameSeason: seasonKey(game, 1),
        Entry: `reward#p-${i}`,
        Rank: i,
        Rewards: ['cup'],
        GrantedAt: at,
      });
      await put('LeaderboardStandings', {
        GameSeason: seasonKey(game, 2),
        Entry: `reward#p-${i}`,
        Rank: i,
        Rewards: ['cup'],
        GrantedAt: at,
      });
    }
  }
  for (const day of ['2026-01-01', '2026-01-02', '2026-01-03'])
    await put('Archives', {
      Archive: 'device_data',
      Day: day,
      Generation: 1,
      State: 'archived',
      Rows: 1,
      Bytes: 1,
      Parts: 1,
      ArchivedAt: instant,
      Since: instant,
    });
  for (const device of ['a', 'b'])
    await call('post', `/v1/devices/${device}/readings`, {
      readings: three.map((i) => ({ timestamp: new Date(Date.now() - i * 60_000).toISOString(), metrics: { i } })),
    });
  for (const i of three) {
    const bucket = at + i * 3_600_000;
    const [series] = rollupId({ deviceId: 'a', resolution: '1h', bucket }).split(`#${new Date(bucket).toISOString()}`);
    await put('DeviceRollups', {
      Series: series,
      Bucket: new Date(bucket).toISOString(),
      Rollup: JSON.stringify({ readings: 1, metrics: {} }),
      Version: 1,
    });
    await new DeadLetterStore(graph.dynamodb.db).keep(
      ['one', 'two'].map((source) => ({
        source,
        shardId: 's',
        position: String(i),
        reason: 'r',
        record: Buffer.from('x'),
        arrivedAt: at,
        at,
      })),
    );
    await put('Investigations', {
      TransactionID: `tx-${i}`,
      Entry: 'case',
      CaseStatus: 'waiting',
      OpenedAtID: `${instant}#tx-${i}`,
      Assignee: 'ana',
      Outcome: 'review',
      UserID: 'u',
      MerchantID: 'm',
      Amount: 1,
      Currency: 'EUR',
      Revision: 1,
    });
    await put('Investigations', {
      TransactionID: `ask-${i}`,
      Entry: 'case',
      CaseStatus: 'asking',
      OpenedAtID: `${instant}#ask-${i}`,
      Assignee: 'ana',
      Outcome: 'review',
      UserID: 'u',
      MerchantID: 'm',
      Amount: 1,
      Currency: 'EUR',
      Revision: 1,
    });
    for (const tx of ['tx-1', 'tx-2'])
      await put('Investigations', {
        TransactionID: tx,
        Entry: `event#0000000${i}`,
        Seq: i,
        At: at,
        Kind: 'noted',
        Text: 't',
      });
  }
  const bigOnes = {
    bands: [],
    rules: [
      {
        id: 'big',
        when: { field: 'transaction.amount', is: '>', value: 1_000 },
        outcome: 'review',
        reason: 'BIG',
        text: 'big',
      },
    ],
  };
  await call('put', '/v1/shadow', { ruleSet: bigOnes });
  const { body } = await get('/v1/shadow');
  for (const i of three)
    await put('ShadowDecisions', {
      Challenger: String(body['version']),
      Entry: `${new Date(Date.now() - i).toISOString()}#tx-${i}`,
      Difference: JSON.stringify({ live: 'approve', shadow: 'review', liveScore: 0, shadowScore: 0 }),
    });
}

it('has every route that takes a cursor', () => {
  const withCursor = graph.routes
    .filter(({ query }) => query && 'cursor' in ((query as unknown as { shape?: object }).shape ?? {}))
    .map(({ operationId }) => operationId);
  expect([...new Set(lists.map(([operation]) => operation))].sort()).toEqual(withCursor.sort());
});

it('a page goes on where the one before ended, with the same limit or another', async () => {
  for (const [, path] of lists) {
    const whole = entriesOf((await page(path, undefined, 3)).body);
    const next = await page(path, cursors.get(path), 2);
    expect([path, next.status, entriesOf(next.body)]).toEqual([path, 200, whole.slice(1)]);
  }
});

it("one list's cursor on any other is a 400 that says so", async () => {
  const wrong: string[] = [];
  const pairs = lists.flatMap(([, from]) => lists.filter(([, to]) => to !== from).map(([, to]) => [from, to] as const));
  expect(pairs).toHaveLength(lists.length * (lists.length - 1));
  await inLanes(pairs, 8, async ([from, to]) => {
    const { status, body } = await page(to, cursors.get(from));
    if (
      status !== 400 ||
      body.errors?.[0]?.field !== 'cursor' ||
      !/belongs to another list.*start again without cursor/.test(body.detail ?? '')
    )
      wrong.push(`${from} → ${to}: ${status} ${body.detail}`);
  });
  expect(wrong).toEqual([]);
});

it('what was changed, cut short, or made by an earlier release is a 400', async () => {
  const wrong: string[] = [];
  await inLanes(lists, 8, async ([, path]) => {
    const cursor = cursors.get(path)!;
    const other = (character: string) => (character === 'A' ? 'B' : 'A');
    const changed = [0, 1, 5, 9, 10, Math.floor(cursor.length / 2), cursor.length - 1].map(
      (i) => cursor.slice(0, i) + other(cursor[i]!) + cursor.slice(i + 1),
    );
    const old = Buffer.from(JSON.stringify({ TransactionID: 'tx-1', Entry: 'case' })).toString('base64url');
    for (const bad of [...changed, cursor.slice(0, -1), `${cursor}A`, cursor.slice(4), 'x', '1', '%', old]) {
      const { status, body } = await page(path, bad);
      if (
        status !== 400 ||
        body.errors?.[0]?.field !== 'cursor' ||
        !/start again without cursor/.test(body.detail ?? '')
      )
        wrong.push(`${path} with ${bad}: ${status} ${body.detail}`);
    }
  });
  expect(wrong).toEqual([]);
});
