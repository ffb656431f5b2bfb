import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  type DynamoDBClientConfig,
  type TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  BatchWriteCommand,
  DeleteCommand,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { DocumentClient, documentClient } from '../../src/stores/documentClient';
import { dynamoDBClient, openDb } from '../../src/stores/dynamodb';
import { everything } from '../../src/graph/capabilities';
import { REGION, startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb';

describe('beside the client of the SDK', () => {
  let dynamodb: TestDynamoDB;
  beforeAll(async () => (dynamodb = await startTestDynamoDB()));
  afterAll(() => dynamodb.stop());

  /** An answer without what differs from call to call, or an error as a caller sees it. */
  async function outcome(work: Promise<object>): Promise<object> {
    try {
      const { $metadata: _, ...answer } = (await work) as { $metadata?: unknown };
      return { answer };
    } catch (error) {
      const { name, message, Item, CancellationReasons, $fault } = error as TransactionCanceledException & {
        Item?: object;
      };
      return { name, message, Item, CancellationReasons, $fault, class: (error as Error).constructor.name };
    }
  }

  const item = (n: number) => ({
    SessionKey: `s-${n}`,
    Part: 'head',
    Text: `é😀"\\ ${n}`,
    Bytes: Buffer.from([0, 1, 255]),
    Names: new Set(['a', 'b']),
    Numbers: new Set([1, 2.5]),
    Deep: { list: [1, null, true, { a: 'b' }], big: 12345678901234567890n },
    Gone: undefined,
  });
  const key = (n: number) => ({ SessionKey: `s-${n}`, Part: 'head' });
  const absent = { ConditionExpression: 'attribute_not_exists(SessionKey)' };
  const old = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const };
  const TableName = 'test-Sessions';

  const script = () => [
    new PutCommand({ TableName, Item: item(1) }),
    new GetCommand({ TableName, Key: key(1), ConsistentRead: true }),
    new GetCommand({ TableName, Key: key(99) }),
    new PutCommand({ TableName, Item: item(1), ...absent, ...old }),
    new PutCommand({ TableName, Item: item(1), ...absent }),
    new UpdateCommand({
      TableName,
      Key: key(1),
      UpdateExpression: 'SET #t = :t ADD Hits :one',
      ExpressionAttributeNames: { '#t': 'Text' },
      ExpressionAttributeValues: { ':t': 'new', ':one': 1 },
      ReturnValues: 'ALL_NEW',
    }),
    new BatchWriteCommand({
      RequestItems: {
        [TableName]: [2, 3, 4].map((n) => ({ PutRequest: { Item: { ...item(2), Part: `part-${n}` } } })),
      },
    }),
    new QueryCommand({
      TableName,
      KeyConditionExpression: 'SessionKey = :key',
      ExpressionAttributeValues: { ':key': 's-2' },
      Limit: 2,
    }),
    new QueryCommand({
      TableName,
      KeyConditionExpression: 'SessionKey = :key',
      ExpressionAttributeValues: { ':key': 's-2' },
      ExclusiveStartKey: { SessionKey: 's-2', Part: 'part-2' },
      ReturnConsumedCapacity: 'TOTAL',
    }),
    new BatchGetCommand({ RequestItems: { [TableName]: { Keys: [key(1), key(99)], ConsistentRead: true } } }),
    new ScanCommand({ TableName, Limit: 1, FilterExpression: 'attribute_exists(Nothing)' }),
    new TransactWriteCommand({
      TransactItems: [
        { Put: { TableName, Item: item(5) } },
        { Delete: { TableName, Key: { SessionKey: 's-2', Part: 'part-4' } } },
        { ConditionCheck: { TableName, Key: key(1), ConditionExpression: 'attribute_exists(SessionKey)' } },
      ],
    }),
    new TransactWriteCommand({
      TransactItems: [
        { Put: { TableName, Item: item(6) } },
        { Put: { TableName, Item: item(5), ...absent, ...old } },
        { Put: { TableName, Item: item(1), ...absent } },
      ],
    }),
    new DeleteCommand({ TableName, Key: key(1), ReturnValues: 'ALL_OLD' }),
    new DeleteCommand({ TableName, Key: { SessionKey: 7, Part: 'head' } }),
    new GetCommand({ TableName: 'test-Nowhere', Key: key(1) }),
    new PutCommand({ TableName, Item: { SessionKey: 's-1' } }),
    new UpdateCommand({ TableName, Key: key(1), UpdateExpression: 'SET nonsense' }),
    new PutCommand({ TableName, Item: { ...item(8), Text: 'x'.repeat(420_000) } }),
    ...[1, 5].map((n) => new DeleteCommand({ TableName, Key: key(n) })),
    new ScanCommand({ TableName, ProjectionExpression: 'SessionKey, Part' }),
    ...['head', 'part-2', 'part-3'].map((Part) => new DeleteCommand({ TableName, Key: { SessionKey: 's-2', Part } })),
    new ScanCommand({ TableName }),
  ];

  it('gives the same answers and the same errors, call by call', async () => {
    const sdk = documentClient(dynamodb.client);
    const ours = new DocumentClient(documentClient(dynamodb.client));
    await ours.send(new GetCommand({ TableName, Key: key(1) }));
    const run = async (client: Pick<typeof sdk, 'send'>) => {
      const outcomes: [string, object][] = [];
      for (const command of script())
        outcomes.push([command.constructor.name, await outcome(client.send(command as never))]);
      return outcomes;
    };
    const expected = await run(sdk);
    expect(await run(ours)).toEqual(expected);
    expect(expected.filter(([, one]) => 'name' in one).length).toBeGreaterThanOrEqual(6);
  });
});

describe('against a server that misbehaves', () => {
  /** How each request is answered in turn; the last answer repeats. */
  let answers: (number | 'cut' | 'condition')[] = [];
  let seen: IncomingHttpHeaders[] = [];
  let bodies: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      seen.push(request.headers);
      bodies.push(Buffer.concat(parts).toString());
      const next = answers.length > 1 ? answers.shift()! : (answers[0] ?? 200);
      if (next === 'cut') return void request.socket.destroy();
      const failure = (type: string) =>
        JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'm' });
      response.writeHead(next === 'condition' ? 400 : next, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(
        next === 200
          ? '{"Item":{"A":{"N":"1"}}}'
          : failure(next === 'condition' ? 'ConditionalCheckFailedException' : 'InternalServerError'),
      );
    });
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    answers = [200];
    seen = [];
    bodies = [];
  });

  const get = () => new GetCommand({ TableName: 't', Key: { A: 1 } });
  const clients: DynamoDBClient[] = [];
  afterAll(() => clients.forEach((client) => client.destroy()));
  const low = (credentials: DynamoDBClientConfig['credentials'] = LOCAL_CREDENTIALS) => {
    const client = dynamoDBClient({
      region: REGION,
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      credentials: credentials as typeof LOCAL_CREDENTIALS,
    });
    clients.push(client);
    return client;
  };
  const open = (...args: Parameters<typeof low>) => new DocumentClient(documentClient(low(...args)));
  /** The SDK names each of its attempts; a direct call does not. */
  const bySdk = () => seen.map((headers) => headers['amz-sdk-invocation-id'] !== undefined);

  it('the first call resolves through the SDK, the next are sent directly, signed and named alike', async () => {
    const client = open();
    for (let i = 0; i < 3; i++) expect(await client.send(get())).toMatchObject({ Item: { A: 1 } });
    expect(bySdk()).toEqual([true, false, false]);
    const [first, second] = seen;
    for (const header of ['host', 'user-agent', 'content-type', 'x-amz-target'])
      expect(second![header]).toBe(first![header]);
    expect(bodies[1]).toBe(bodies[0]);
    expect(second!.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=local\/\d{8}\/us-east-1\/dynamodb\/aws4_request/,
    );
  });

  it('a client with another HTTP handler sends directly, too, and leaves no connection behind', async () => {
    const { endpoint } = low().config as unknown as { endpoint: () => Promise<{ hostname: string; port: number }> };
    const { hostname, port } = await endpoint();
    const plain = new DynamoDBClient({
      region: REGION,
      endpoint: `http://${hostname}:${port}`,
      credentials: LOCAL_CREDENTIALS,
      requestHandler: new NodeHttpHandler({ httpAgent: { maxSockets: 2 } }),
    });
    clients.push(plain);
    const client = new DocumentClient(documentClient(plain));
    for (let i = 0; i < 5; i++) expect(await client.send(get())).toMatchObject({ Item: { A: 1 } });
    expect(bySdk()).toEqual([true, false, false, false, false]);
  });

  it('two document clients of one client both learn of new credentials', async () => {
    let accessKeyId = 'one';
    const shared = low(async () => ({ accessKeyId, secretAccessKey: 's', expiration: new Date(0) }) as never);
    const pair = [0, 1].map(() => new DocumentClient(documentClient(shared)));
    for (const key of ['one', 'two']) {
      accessKeyId = key;
      for (const client of pair) await client.send(get());
      seen = [];
      for (const client of pair) await client.send(get());
      expect(bySdk()).toEqual([false, false]);
    }
  });

  it('new credentials resolve through the SDK again', async () => {
    let accessKeyId = 'one';
    const client = open(
      async () =>
        ({
          accessKeyId,
          secretAccessKey: 's',
          sessionToken: `token-${accessKeyId}`,
          expiration: new Date(Date.now() - 1_000),
        }) as never,
    );
    for (let i = 0; i < 2; i++) await client.send(get());
    accessKeyId = 'two';
    for (let i = 0; i < 2; i++) await client.send(get());
    expect(bySdk()).toEqual([true, false, true, false]);
    expect(seen.map((headers) => headers['x-amz-security-token'])).toEqual([
      'token-one',
      'token-one',
      'token-two',
      'token-two',
    ]);
  });

  it.each([
    ['the server fails', 500 as const],
    ['the connection is cut', 'cut' as const],
  ])('a call is repeated through the SDK when %s', async (_what, failure) => {
    const client = open();
    await client.send(get());
    seen = [];
    answers = [failure, failure, 200];
    expect(await client.send(get())).toMatchObject({ Item: { A: 1 } });
    expect(bySdk()).toEqual([false, true, true]);
  });

  it('a failed condition is not repeated', async () => {
    const client = open();
    await client.send(get());
    seen = [];
    answers = ['condition'];
    await expect(client.send(get())).rejects.toBeInstanceOf(ConditionalCheckFailedException);
    expect(bySdk()).toEqual([false]);
  });

  it('a repeated transaction keeps its token', async () => {
    const client = open();
    await client.send(get());
    bodies = [];
    answers = [500, 'cut', 200];
    await client.send(new TransactWriteCommand({ TransactItems: [{ Put: { TableName: 't', Item: { A: 1 } } }] }));
    const tokens = bodies.map((body) => (JSON.parse(body) as { ClientRequestToken: string }).ClientRequestToken);
    expect(tokens).toHaveLength(3);
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).toMatch(/^[\da-f-]{36}$/);
  });

  it('an aborted call is not repeated', async () => {
    const client = open();
    await client.send(get());
    seen = [];
    await expect(client.send(get(), { abortSignal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(seen).toEqual([]);
  });

  it('a value that cannot be stored is refused before anything is sent', async () => {
    const { client } = openDb(low(), '', everything.tables);
    await expect(client.send(new PutCommand({ TableName: 't', Item: { A: Number.NaN } }))).rejects.toMatchObject({
      type: 'refused',
    });
    expect(seen).toEqual([]);
  });
});
