import { DynamoDBClient, GetItemCommand, ListTablesCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { engines, findEngine, startDynamoDB } from '../../src/local/dynamodb';
import { bindPort, listenOn } from '../../src/local/ports';
import { createTables } from '../../src/stores/tableCreation';
import { everything } from '../../src/graph/capabilities';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwatch-dynamodb-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const clientOf = (endpoint: string) =>
  new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });

async function listener(port: number): Promise<() => void> {
  const server = createServer((socket) => void socket.destroy());
  await listenOn(server, port, { only: true });
  return () => void server.close();
}

/** With a table of its own, by which it is told from ours. */
async function neighbourDynamoDB(port: number): Promise<() => Promise<void>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-neighbour-'));
  const { child, endpoint } = await startDynamoDB({ dataDir, inMemory: true, port, engine: 'dynoxide' });
  await createTables(clientOf(endpoint), 'neighbour-', everything.tables);
  return async () => {
    await child.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}

describe.each(engines)('%s', (engine) => {
  it.each(['stop', 'kill -9'])('keeps what it acknowledged over a restart after %s', async (how) => {
    const first = await startDynamoDB({ dataDir: folder, engine });
    const writer = clientOf(first.endpoint);
    await createTables(writer, 'kept-', everything.tables);
    const Item = { TransactionID: { S: 'tx-1' }, Answer: { S: 'yes' } };
    await writer.send(new PutItemCommand({ TableName: 'kept-Decisions', Item }));
    if (how === 'stop') await first.child.stop();
    else {
      process.kill(-first.child.pid, 'SIGKILL');
      await first.child.ended;
    }
    const second = await startDynamoDB({ dataDir: folder, engine });
    const { Item: found } = await clientOf(second.endpoint).send(
      new GetItemCommand({
        TableName: 'kept-Decisions',
        Key: { TransactionID: { S: 'tx-1' } },
        ConsistentRead: true,
      }),
    );
    expect(found).toEqual(Item);
    await second.child.stop();
  });

  it('on a port that is taken is said in a sentence', async () => {
    const { port, release } = (await bindPort({ port: 0 }))!;
    await expect(startDynamoDB({ dataDir: folder, engine, port })).rejects.toThrow(
      `Port ${port} for DynamoDB is in use`,
    );
    await release();
  });

  // Race: between the choice of a port and its bind a neighbour takes it. One that is no DynamoDB makes the start fail;
  // one that is a DynamoDB answers in our server's place, which is worse.
  it.each(['another program', 'another DynamoDB'])(
    'starts on another port when %s takes its port before it is bound',
    async (neighbour) => {
      const stops: (() => unknown)[] = [];
      const taken: number[] = [];
      const hold: typeof bindPort = async (wanted) => {
        const held = await bindPort(taken.length === 0 ? { port: 0 } : wanted);
        if (!held || taken.length > 0) return held;
        return {
          ...held,
          async release() {
            await held.release();
            taken.push(held.port);
            stops.push(await (neighbour === 'another DynamoDB' ? neighbourDynamoDB(held.port) : listener(held.port)));
          },
        };
      };
      const told: string[] = [];
      const running = await startDynamoDB({
        dataDir: folder,
        engine,
        inMemory: true,
        hold,
        onTaken: ({ message }) => told.push(message),
      });
      stops.push(() => running.child.stop());
      try {
        expect(taken).toHaveLength(1);
        expect(new URL(running.endpoint).port).not.toBe(String(taken[0]));
        expect(told).toEqual([expect.stringContaining(`another process took port ${taken[0]}`)]);
        const { TableNames } = await clientOf(running.endpoint).send(new ListTablesCommand({}));
        expect(TableNames).toEqual([]);
      } finally {
        for (const stop of stops) await stop();
      }
    },
  );
});

describe('the engine', () => {
  const nothing = (): string | undefined => undefined;
  const there = () => '/somewhere';

  it('is dynoxide where it runs, else DynamoDB Local', () => {
    expect(findEngine({ dynoxide: there, jar: there, java: () => 21 })).toBe('dynoxide');
    expect(findEngine({ dynoxide: nothing, jar: there, java: () => 17 })).toBe('dynamodb-local');
  });

  it.each([
    [
      'without its package',
      { jar: nothing, java: () => 21 },
      'is not installed (npm ci without --omit=optional installs it)',
    ],
    ['without Java', { jar: there, java: () => undefined }, 'Java is not installed'],
    ['with an old Java', { jar: there, java: () => 11 }, 'the Java here is 11'],
  ])('%s: what is missing and what helps', (_, lookUp, why) => {
    const failing = () => findEngine({ dynoxide: nothing, ...lookUp });
    expect(failing).toThrow(why);
    expect(failing).toThrow('apt-get install default-jre-headless');
    expect(failing).toThrow('DYNAMODB_ENDPOINT');
  });
});
