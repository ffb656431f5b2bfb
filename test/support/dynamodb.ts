import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { everything } from '../../src/graph/capabilities';
import { type Engine, startDynamoDB } from '../../src/local/dynamodb';
import { type Db, dynamoDBClient, openDb, type StoreCall } from '../../src/stores/dynamodb';
import { createTables } from '../../src/stores/tableCreation';
import type { Tables } from '../../src/stores/tableSpec';
import { enforceGrants, expectNothingRefused } from './leastPrivilege';

export interface TestDynamoDB {
  client: DynamoDBClient;
  endpoint: string;
  db: Db;
  /** Every call since the last `splice`. */
  calls: StoreCall[];
  /** Consumed units of the calls that `work` makes. */
  unitsOf(work: () => Promise<unknown>): Promise<{ read: number; write: number }>;
  stop(): Promise<void>;
}

export const REGION = 'us-east-1';

/**
 * A DynamoDB of its own that keeps nothing, with all tables; the engine is the one named, else TEST_DYNAMODB_ENGINE,
 * else whatever runs here.
 */
export async function startTestDynamoDB(
  engine = process.env['TEST_DYNAMODB_ENGINE'] as Engine | undefined,
  tables: Tables = everything.tables,
): Promise<TestDynamoDB> {
  enforceGrants();
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-dynamodb-'));
  const running = await startDynamoDB({ dataDir, inMemory: true, ...(engine && { engine }) });
  const client = dynamoDBClient({ region: REGION, endpoint: running.endpoint, credentials: LOCAL_CREDENTIALS });
  const prefix = 'test-';
  await createTables(client, prefix, tables);
  const calls: StoreCall[] = [];
  return {
    client,
    endpoint: running.endpoint,
    db: openDb(client, prefix, tables, (call) => calls.push(call)),
    calls,
    async unitsOf(work) {
      calls.length = 0;
      await work();
      const sum = (of: 'readUnits' | 'writeUnits') => calls.reduce((total, call) => total + call[of], 0);
      return { read: sum('readUnits'), write: sum('writeUnits') };
    },
    async stop() {
      client.destroy();
      await running.child.stop();
      rmSync(dataDir, { recursive: true, force: true });
      expectNothingRefused();
    },
  };
}
