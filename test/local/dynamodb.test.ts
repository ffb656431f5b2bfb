import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engines, findEngine, startDynamoDB } from '../../src/local/dynamodb';
import { claimPort } from '../../src/local/ports';
import { createTables } from '../../src/stores/dynamodb';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwatch-dynamodb-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const clientOf = (endpoint: string) => new DynamoDBClient({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });

describe.each(engines)('%s', (engine) => {
  it.each(['stop', 'kill -9'])('keeps what it acknowledged over a restart after %s', async (how) => {
    const first = await startDynamoDB({ dataDir: folder, engine });
    const writer = clientOf(first.endpoint);
    await createTables(writer, 'kept-');
    const Item = { TransactionID: { S: 'tx-1' }, Answer: { S: 'yes' } };
    await writer.send(new PutItemCommand({ TableName: 'kept-Decisions', Item }));
    if (how === 'stop') await first.child.stop();
    else {
      process.kill(-first.child.pid, 'SIGKILL');
      await first.child.ended;
    }
    const second = await startDynamoDB({ dataDir: folder, engine });
    const { Item: found } = await clientOf(second.endpoint).send(new GetItemCommand({ TableName: 'kept-Decisions', Key: { TransactionID: { S: 'tx-1' } }, ConsistentRead: true }));
    expect(found).toEqual(Item);
    await second.child.stop();
  }, 120_000);

  it('on a port that is taken is said in a sentence', async () => {
    const { port, release } = await claimPort();
    await expect(startDynamoDB({ dataDir: folder, engine, port })).rejects.toThrow(`Port ${port}, which DynamoDB is to listen on, is taken`);
    release();
  });
});

describe('the engine', () => {
  const nothing = (): string | undefined => undefined;
  const there = () => '/somewhere';

  it('is dynoxide where it runs, else DynamoDB Local', () => {
    expect(findEngine({ dynoxide: there, jar: there, java: () => 21 })).toBe('dynoxide');
    expect(findEngine({ dynoxide: nothing, jar: there, java: () => 17 })).toBe('dynamodb-local');
  });

  it.each([
    ['without its package', { jar: nothing, java: () => 21 }, 'is not installed (npm ci without --omit=optional installs it)'],
    ['without Java', { jar: there, java: () => undefined }, 'Java is not installed'],
    ['with an old Java', { jar: there, java: () => 11 }, 'the Java here is 11'],
  ])('%s: what is missing and what helps', (_, lookUp, why) => {
    const failing = () => findEngine({ dynoxide: nothing, ...lookUp });
    expect(failing).toThrow(why);
    expect(failing).toThrow('apt-get install default-jre-headless');
    expect(failing).toThrow('DYNAMODB_ENDPOINT');
  });
});
