import { type AddressInfo, createServer, type Socket } from 'node:net';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { dynamoDBClient, MAX_SOCKETS, openDb } from '../../src/stores/dynamodb';
import { REGION } from '../support/dynamodb';
import { eventually } from '../support/stack';
import { everything } from '../../src/graph/capabilities';

const sockets = new Set<Socket>();
let most = 0;
/** Takes every connection and never says a word. */
const silent = createServer((socket) => {
  sockets.add(socket);
  most = Math.max(most, sockets.size);
  socket
    .on('error', () => undefined)
    .on('close', () => sockets.delete(socket))
    .resume();
});
beforeAll(() => new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  sockets.forEach((socket) => socket.destroy());
  silent.close();
});
const open = (requestTimeoutMs?: number) => {
  const client = dynamoDBClient({
    region: REGION,
    endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    credentials: LOCAL_CREDENTIALS,
    ...(requestTimeoutMs !== undefined && { requestTimeoutMs }),
  });
  return { client, db: openDb(client, 'test-', everything.tables) };
};

it('a call that DynamoDB takes and never answers fails as "away", and leaves no connection behind', async () => {
  const { client, db } = open(100);
  await expect(
    db.client.send(new GetCommand({ TableName: 'test-Decisions', Key: { TransactionID: 'a' } })),
  ).rejects.toMatchObject({ name: 'LongwatchError', type: 'unavailable', detail: { retryAfterSeconds: 1 } });
  await eventually(
    async () => sockets.size,
    (size) => size === 0,
  );
  client.destroy();
});

it(
  'however many calls wait for a DynamoDB that hangs, the connections to it are bounded, and calls that are given ' +
    'up leave',
  async () => {
    const { client, db } = open();
    const deadline = new AbortController();
    const calls = Array.from({ length: MAX_SOCKETS + 100 }, (_, i) =>
      db.client
        .send(new GetCommand({ TableName: 'test-Decisions', Key: { TransactionID: String(i) } }), {
          abortSignal: deadline.signal,
        })
        .catch((error: unknown) => error),
    );
    await eventually(
      async () => sockets.size,
      (size) => size === MAX_SOCKETS,
    );
    deadline.abort();
    for (const failure of await Promise.all(calls)) expect(failure).toMatchObject({ type: 'unavailable' });
    expect(most).toBe(MAX_SOCKETS);
    client.destroy();
  },
);
