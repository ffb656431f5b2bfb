import { BatchWriteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { type ReadingRow, rowContent } from '../../src/domain/devices/reading';
import { LOCAL_CREDENTIALS } from '../../src/endpoints';
import { rowItem, rowKey, withId } from '../../src/stores/devices/keys';

export const REGION = 'us-east-1';

/** A reading as a device sends it: three metrics and a status. */
export const reading = (at: number) => ({
  timestamp: at,
  metrics: { humidity: 40 + (at % 97) / 10, temperature: 20 + (at % 77) / 10, windowOpen: at % 5 === 0 },
  status: 'ok',
});

export const row = (deviceId: string, at: number): ReadingRow => withId(rowContent({ deviceId, ...reading(at) }));

export function bareClient(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({ region: REGION, endpoint, credentials: LOCAL_CREDENTIALS, requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: 64 } }) });
}

/** BatchWriteItem takes this many. */
const BATCH = 25;
/** Calls in flight: as many as the product has. */
const LANES = 8;

/** The bare writes: no validation, no ids, no retries; items as large as the product's, made before. */
export async function bareWrites(client: DynamoDBClient, table: string, rows: readonly ReadingRow[], what: 'put' | 'delete'): Promise<void> {
  const requests = rows.map((one) => (what === 'put' ? { PutRequest: { Item: marshall(rowItem(one)) } } : { DeleteRequest: { Key: marshall(rowKey(one)) } }));
  let next = 0;
  const lane = async () => {
    while (next < requests.length) await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests.slice(next, (next += BATCH)) } }));
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
