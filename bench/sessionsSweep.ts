import { randomUUID } from 'node:crypto';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { Client, Connection } from '@temporalio/client';
import type { SessionData } from 'express-session';
import { SessionSweeper } from '../src/operations/sessions/sweeper';
import { LOCAL_CREDENTIALS } from '../src/config/endpoints';
import { readAddresses } from '../src/local/addresses';
import { dynamoDBClient, openDb, type StoreCall } from '../src/stores/dynamodb';
import { DynamoDBSessionStore } from '../src/stores/sessions/dynamoDBSessionStore';
import { ExpiryIndex } from '../src/stores/sessions/expiryIndex';
import { sessionExpiryId } from '../src/domain/sessions/workflows';
import { REGION, startTestDynamoDB } from '../test/support/dynamodb';
import { billableActions } from '../test/support/histories';
import { eventually, removeDataDir, startLongwatch } from '../test/support/stack';
import { bar as startBar } from './support/bar';
import { median, percentile } from './support/measure';
import type { SessionBenchSettings } from './sessions';
import { everything } from '../src/graph/capabilities';
import { clockOf } from '../test/support/clock';

const IDLE_MS = 5_000;
const SWEEP_MS = 10_000;
const BUCKETS = 2;
const save = (store: DynamoDBSessionStore) =>
  new Promise<void>((resolve, reject) =>
    store.set(randomUUID(), { cookie: {}, text: 'x'.repeat(400) } as unknown as SessionData, (error) =>
      error ? reject(error as Error) : resolve(),
    ),
  );

/**
 * Measures the sweeper on sessions that are all due at once, and then a whole stack on sessions that become due one
 * after another.
 */
export async function benchSweep({ due, seconds, rate }: SessionBenchSettings): Promise<void> {
  await benchBacklog(due);
  await benchLateness(seconds, rate);
}

async function benchBacklog(due: number): Promise<void> {
  const dynamodb = await startTestDynamoDB();
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const store = new DynamoDBSessionStore({
    client: dynamodb.db.client,
    tableName: dynamodb.db.table('Sessions'),
    idleTimeoutMs: 1_800_000,
    expiryBuckets: 1,
    now,
  });
  const bar = startBar('sessions', due);
  for (let i = 0; i < due; i += 20) {
    await Promise.all(Array.from({ length: 20 }, () => save(store)));
    bar.increment(20);
  }
  bar.stop();
  const sweeper = new SessionSweeper({
    index: new ExpiryIndex(dynamodb.db),
    ends: store.ends,
    shortestLifeMs: 1_800_000,
    onFault: (error) => console.error(error),
    clock: clockOf(now),
  });
  ahead = 3 * 3_600_000;
  const calls: StoreCall[] = dynamodb.calls;
  calls.length = 0;
  const started = performance.now();
  const { idle } = await sweeper.sweep('0', { signal: new AbortController().signal, forMs: 600_000 });
  const taken = (performance.now() - started) / 1_000;
  const units = (of: 'readUnits' | 'writeUnits') => (calls.reduce((sum, call) => sum + call[of], 0) / idle).toFixed(2);
  console.log(
    `\nSweep of ${idle} sessions that became due while no sweeper ran: ${(idle / taken).toFixed(0)} per second ` +
      `by one process; a session costs ${units('readUnits')} read and ${units('writeUnits')} write units.`,
  );
  await dynamodb.stop();
}

/** Measures how late sessions end on a started stack, by its own workflows. */
async function benchLateness(seconds: number, rate: number): Promise<void> {
  const stack = await startLongwatch({
    LONGWATCH_SESSION_IDLE_MS: `${IDLE_MS}`,
    LONGWATCH_SESSION_SWEEP_MS: `${SWEEP_MS}`,
    LONGWATCH_SESSION_BUCKETS: `${BUCKETS}`,
    TEMPORAL_UI_PORT: '0',
  });
  try {
    const { parts } = readAddresses(stack.dataDir)!;
    const connection = await Connection.connect({ address: parts.Temporal });
    const client = new Client({ connection });
    const histories = () =>
      Promise.all(
        Array.from({ length: BUCKETS }, (_, bucket) =>
          client.workflow.getHandle(sessionExpiryId(bucket)).fetchHistory(),
        ),
      );
    const actions = async () => (await histories()).reduce((sum, history) => sum + billableActions(history), 0);
    // The sweepers have started.
    await eventually(
      () => actions().catch(() => 0),
      (count) => count >= 2 * BUCKETS,
    );
    const before = await actions();
    const db = openDb(
      dynamoDBClient({ region: REGION, endpoint: parts.DynamoDB, credentials: LOCAL_CREDENTIALS }),
      'longwatch-',
      everything.tables,
    );
    const store = new DynamoDBSessionStore({
      client: db.client,
      tableName: db.table('Sessions'),
      idleTimeoutMs: IDLE_MS,
      expiryBuckets: BUCKETS,
    });
    const started = Date.now();
    const bar = startBar('sessions', seconds * rate);
    for (let opened = 0; opened < seconds * rate; opened++) {
      // Open `rate` sessions per second, independently of the duration of each call.
      await new Promise((resolve) => setTimeout(resolve, started + (opened * 1_000) / rate - Date.now()));
      void save(store);
      bar.increment();
    }
    bar.stop();
    const late = async () => {
      const found: number[] = [];
      let ExclusiveStartKey: Record<string, unknown> | undefined;
      do {
        const page = await db.client.send(
          new ScanCommand({
            TableName: db.table('Sessions'),
            FilterExpression: 'attribute_exists(EndedAt)',
            ...(ExclusiveStartKey && { ExclusiveStartKey }),
          }),
        );
        found.push(...(page.Items ?? []).map((item) => (item['EndedAt'] as number) - (item['ExpiresAt'] as number)));
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey);
      return found;
    };
    const lateness = await eventually(late, ({ length }) => length === seconds * rate);
    const took = (Date.now() - started) / 1_000;
    const s = (value: number) => `${(value / 1_000).toFixed(2)} s`;
    console.log(
      `${lateness.length} sessions that became due one after another, ${rate} per second: ended ` +
        `${s(median(lateness))} late at p50, ${s(percentile(lateness, 99))} at p99, ` +
        `${s(Math.max(...lateness))} at most  (target: 5 s).`,
    );
    console.log(
      `${(await actions()) - before} Temporal actions of ${BUCKETS} sweepers in ${took.toFixed(0)} s with ` +
        `activities of ${SWEEP_MS / 1_000} s; the default is 300 s, 12 per hour and sweeper.`,
    );
    await connection.close();
  } finally {
    await stack.stop();
    removeDataDir(stack.dataDir);
  }
}
