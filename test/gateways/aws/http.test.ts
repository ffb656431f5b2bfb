import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { awsHttp } from '../../../src/gateways/aws/http';
import { LOCAL_CREDENTIALS } from '../../../src/config/endpoints';
import { dynamoDBClient, openDb } from '../../../src/stores/dynamodb';
import { startSilentServer } from '../../support/silentServer';
import { REGION } from '../../support/dynamodb';
import { everything } from '../../../src/graph/capabilities';

const Key = { TransactionID: { S: 'tx-1' } };
const clientOf = (endpoint: string) =>
  new DynamoDBClient({
    region: REGION,
    endpoint,
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 2,
    requestHandler: awsHttp({ silentMs: 300 }),
  });

describe('a call that nobody answers', () => {
  it('is given up, and tried again', async () => {
    const silence = await startSilentServer();
    await expect(
      clientOf(`http://${silence.address}`).send(new GetItemCommand({ TableName: 't', Key })),
    ).rejects.toThrow('Headers Timeout Error');
    silence.close();
  });

  it('is given up, too, when the answer stops halfway', async () => {
    let calls = 0;
    const server: Server = createServer((incoming, answer) => {
      calls++;
      incoming.resume();
      answer
        .writeHead(200, { 'content-type': 'application/x-amz-json-1.0', 'content-length': '100' })
        .write('{"Item":');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await expect(
      clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).send(
        new GetItemCommand({ TableName: 't', Key }),
      ),
    ).rejects.toThrow('Body Timeout Error');
    expect(calls).toBe(2);
    server.closeAllConnections();
    server.close();
  });

  it('of a store says that DynamoDB is away, to be tried again', async () => {
    const silence = await startSilentServer();
    const db = openDb(
      dynamoDBClient({ region: REGION, endpoint: `http://${silence.address}`, credentials: LOCAL_CREDENTIALS }),
      'test-',
      everything.tables,
    );
    await expect(
      db.client.send(new GetCommand({ TableName: db.table('Decisions'), Key: { TransactionID: 'tx-1' } })),
    ).rejects.toMatchObject({ type: 'unavailable' });
    silence.close();
  });
});
