import { BatchWriteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { type ReadingRow, rowContent } from '../../src/domain/devices/reading';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { rowItem, rowKey } from '../../src/stores/devices/keys';
import { withId } from '../../src/stores/devices/readingId';

export const REGION = 'us-east-1';

/** Returns a value between 0 and 1 whose digits do not compress well, always the same for the same instant. */
const noise = (at: number, of: number): number => {
  const x = Math.sin(at * 0.001 * of + of) * 43_758.5453;
  return x - Math.floor(x);
};

/** Returns a reading as a device sends it: a varying temperature and humidity, a boolean and a status. */
export const reading = (at: number) => ({
  timestamp: at,
  metrics: {
    humidity: Number((55 - 10 * Math.sin(at / 1.4e7) + 2 * noise(at, 3)).toFixed(1)),
    temperature: Number((20 + 5 * Math.sin(at / 1.4e7) + noise(at, 7)).toFixed(2)),
    windowOpen: noise(at, 11) > 0.9,
  },
  status: 'ok',
});

export const row = (deviceId: string, at: number): ReadingRow => withId(rowContent({ deviceId, ...reading(at) }));

export function bareClient(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({
    region: REGION,
    endpoint,
    credentials: LOCAL_CREDENTIALS,
    requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: 64 } }),
  });
}

/** Maximum number of items in one BatchWriteItem. */
const BATCH = 25;

/**
 * The baseline: writes prepared items of the same size as the product's, at the same concurrency, without validation,
 * ids and retries.
 */
export async function bareWrites(
  client: DynamoDBClient,
  table: string,
  rows: readonly ReadingRow[],
  what: 'put' | 'delete',
  lanes = 8,
): Promise<void> {
  const requests = rows.map((one) =>
    what === 'put'
      ? { PutRequest: { Item: marshall(rowItem(one)) } }
      : { DeleteRequest: { Key: marshall(rowKey(one)) } },
  );
  let next = 0;
  const lane = async () => {
    while (next < requests.length)
      await client.send(
        new BatchWriteItemCommand({ RequestItems: { [table]: requests.slice(next, (next += BATCH)) } }),
      );
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
