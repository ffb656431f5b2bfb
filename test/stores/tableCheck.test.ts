import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DeleteTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { startDynamoDB } from '../../src/local/dynamodb';
import { dynamoDBClient } from '../../src/stores/dynamodb';
import { createTableInput, createTables } from '../../src/stores/tableCreation';
import { prepareTables, updateTables } from '../../src/stores/tableChanges';
import { checkTables, TableMismatchError } from '../../src/stores/tableCheck';
import { REGION } from '../support/dynamodb';
import { everything } from '../../src/graph/capabilities';

/** What a version before this one may have left. */
describe.each(['dynoxide', 'dynamodb-local'] as const)('tables on %s', (engine) => {
  let client: DynamoDBClient;
  let stop: () => Promise<void>;
  let prefix: string;
  let run = 0;

  // One each: DynamoDB Local, having deleted tables of other tests, may build an index for ever.
  beforeEach(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-tables-'));
    const running = await startDynamoDB({ dataDir, inMemory: true, engine });
    client = dynamoDBClient({ region: REGION, endpoint: running.endpoint, credentials: LOCAL_CREDENTIALS });
    stop = async () => {
      client.destroy();
      await running.child.stop();
      rmSync(dataDir, { recursive: true, force: true });
    };
    prefix = `check${++run}-`;
    await createTables(client, prefix, everything.tables);
  });
  afterEach(() => stop?.());

  /** The table as it is not wanted. */
  async function replace(name: string, change: (input: ReturnType<typeof createTableInput>) => object): Promise<void> {
    const input = createTableInput(prefix, name, everything.tables[name]!);
    await client.send(new DeleteTableCommand({ TableName: input.TableName }));
    await client.send(new CreateTableCommand({ ...input, ...change(input) }));
  }
  const differences = async () =>
    (await checkTables(client, prefix, everything.tables)).map(
      ({ physicalName, difference }) => `${physicalName} ${difference}`,
    );

  it('that this version made are as it expects them, and stay so', async () => {
    expect(await differences()).toEqual([]);
    await expect(prepareTables(client, prefix, everything.tables)).resolves.toBeUndefined();
  });

  it('made by two processes at once, or by one that died before the TTL was on, are right in the end', async () => {
    await Promise.all([
      prepareTables(client, `${prefix}twice-`, everything.tables),
      prepareTables(client, `${prefix}twice-`, everything.tables),
    ]);
    await replace('Sessions', () => ({}));
    expect(await differences()).toEqual([`${prefix}Sessions has no TTL; expected: RemoveAt`]);
    await Promise.all([
      prepareTables(client, prefix, everything.tables),
      prepareTables(client, prefix, everything.tables),
    ]);
    expect(await differences()).toEqual([]);
  });

  it('what an older version did not have is named, a start refuses it, and an update adds it', async () => {
    await client.send(new DeleteTableCommand({ TableName: `${prefix}Orders` }));
    await replace('Sessions', ({ AttributeDefinitions }) => ({
      GlobalSecondaryIndexes: undefined,
      AttributeDefinitions: AttributeDefinitions!.filter(({ AttributeName }) =>
        /^(SessionKey|Part)$/.test(AttributeName!),
      ),
    }));
    await replace('DeviceData', () => ({ StreamSpecification: undefined }));
    expect(await differences()).toEqual([
      `${prefix}Sessions has no index Expiry (ExpiryBucket S, CheckAt N; KEYS_ONLY)`,
      `${prefix}Sessions has no TTL; expected: RemoveAt`,
      `${prefix}Orders is missing`,
      `${prefix}DeviceData has no stream; expected: NEW_AND_OLD_IMAGES`,
    ]);
    // A start makes what is missing altogether, and says what it will not change.
    const refusal = await prepareTables(client, prefix, everything.tables).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TableMismatchError);
    expect((refusal as Error).message).toBe(
      '2 table(s) differ from what this version expects:\n' +
        `  ${prefix}Sessions has no index Expiry (ExpiryBucket S, CheckAt N; KEYS_ONLY)\n` +
        `  ${prefix}Sessions has no TTL; expected: RemoveAt\n` +
        `  ${prefix}DeviceData has no stream; expected: NEW_AND_OLD_IMAGES\n` +
        'Deploy the stack of this version, or run: npm run tables -- update',
    );
    const steps: string[] = [];
    expect(
      await updateTables(client, prefix, everything.tables, ({ table, update }) => steps.push(`${table} ${update}`)),
    ).toEqual([]);
    expect(steps).toEqual(['Sessions index', 'Sessions ttl', 'DeviceData stream']);
    expect(await differences()).toEqual([]);
    await expect(prepareTables(client, prefix, everything.tables)).resolves.toBeUndefined();
  });

  it('what only a migration can change is told, and left as it is', async () => {
    await replace('Decisions', () => ({
      KeySchema: [{ AttributeName: 'Id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'Id', AttributeType: 'N' }],
    }));
    await replace('Leaderboard', () => ({ StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' } }));
    await replace('Checkouts', ({ GlobalSecondaryIndexes }) => ({
      GlobalSecondaryIndexes: GlobalSecondaryIndexes!.map((index) => ({
        ...index,
        Projection: { ProjectionType: 'KEYS_ONLY' },
      })),
    }));
    const expected = [
      `${prefix}Checkouts has the index ByRefund (RefundStatus S, RecordedAtID S; KEYS_ONLY); expected: ` +
        '(RefundStatus S, RecordedAtID S; ALL)',
      `${prefix}Decisions has the key Id N; expected: TransactionID S`,
      `${prefix}Leaderboard has a stream of KEYS_ONLY; expected: NEW_AND_OLD_IMAGES`,
    ];
    expect((await differences()).sort()).toEqual(
      [...expected, `${prefix}Checkouts has no TTL; expected: ExpiresAt`].sort(),
    );
    const left = await updateTables(client, prefix, everything.tables);
    expect(left.map(({ physicalName, difference }) => `${physicalName} ${difference}`).sort()).toEqual(expected);
    await expect(prepareTables(client, prefix, everything.tables)).rejects.toThrow(
      'docs/upgrading.md describes the migration',
    );
  });
});
