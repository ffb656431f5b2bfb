import {
  DynamoDBStreamsClient,
  DescribeStreamCommand,
  GetRecordsCommand as GetChangesCommand,
  GetShardIteratorCommand as GetChangesIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import type {
  APIGatewayProxyEventV2,
  Context,
  DynamoDBRecord,
  KinesisStreamEvent,
  KinesisStreamRecord,
} from 'aws-lambda';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import type { TableEvent } from '../../src/lambda/streams';
import { REGION } from './dynamodb';

/** Of an invocation that has so long to run. */
export const invocation = (remainingMs = 30_000): Context =>
  ({ getRemainingTimeInMillis: () => remainingMs }) as Context;

/**
 * Everything that a Kinesis stream holds, as Lambda hands it over, by shard.
 * Source: Lambda developer guide, "Process Amazon Kinesis Data Streams records with Lambda", example event.
 */
export async function kinesisEvents(
  client: KinesisClient,
  StreamName: string,
): Promise<Map<string, KinesisStreamEvent>> {
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }));
  const events = new Map<string, KinesisStreamEvent>();
  for (const { ShardId } of Shards) {
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    const { Records = [] } = await client.send(new GetRecordsCommand({ ShardIterator, Limit: 10_000 }));
    const eventSourceARN = `arn:aws:kinesis:${REGION}:123456789012:stream/${StreamName}`;
    events.set(String(ShardId), {
      Records: Records.map(
        ({ SequenceNumber, PartitionKey, Data, ApproximateArrivalTimestamp }): KinesisStreamRecord => ({
          kinesis: {
            kinesisSchemaVersion: '1.0',
            partitionKey: String(PartitionKey),
            sequenceNumber: String(SequenceNumber),
            data: Buffer.from(Data!).toString('base64'),
            approximateArrivalTimestamp: ApproximateArrivalTimestamp!.getTime() / 1000,
          },
          eventSource: 'aws:kinesis',
          eventVersion: '1.0',
          eventID: `${ShardId}:${SequenceNumber}`,
          eventName: 'aws:kinesis:record',
          invokeIdentityArn: 'arn:aws:iam::123456789012:role/lambda-role',
          awsRegion: REGION,
          eventSourceARN,
        }),
      ),
    });
  }
  return events;
}

/**
 * All changes of a table, as Lambda hands them over with a tumbling window: images in DynamoDB's JSON, bytes in base64.
 * Source: Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB", example event and "Tumbling windows".
 */
export async function tableEvents(tables: DynamoDBClient, endpoint: string, TableName: string): Promise<TableEvent[]> {
  const streams = new DynamoDBStreamsClient({ region: REGION, endpoint, credentials: LOCAL_CREDENTIALS });
  try {
    const { Table } = await tables.send(new DescribeTableCommand({ TableName }));
    const StreamArn = Table!.LatestStreamArn!;
    const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
    const events: TableEvent[] = [];
    for (const { ShardId } of StreamDescription!.Shards ?? []) {
      const Records: DynamoDBRecord[] = [];
      let { ShardIterator } = await streams.send(
        new GetChangesIteratorCommand({ StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
      );
      for (;;) {
        const page = await streams.send(new GetChangesCommand({ ShardIterator, Limit: 1_000 }));
        if (!page.Records?.length) break;
        for (const { dynamodb, ...record } of page.Records)
          Records.push({
            ...(JSON.parse(JSON.stringify({ ...record, dynamodb }, withoutBytes)) as DynamoDBRecord),
            eventSourceARN: StreamArn,
            dynamodb: {
              ...(JSON.parse(JSON.stringify(dynamodb, withoutBytes)) as DynamoDBRecord['dynamodb']),
              ApproximateCreationDateTime: dynamodb!.ApproximateCreationDateTime!.getTime() / 1000,
            },
          });
        ShardIterator = page.NextShardIterator;
        if (ShardIterator === undefined) break;
      }
      events.push({ Records, shardId: String(ShardId) });
    }
    return events;
  } finally {
    streams.destroy();
  }
}

/** An event is JSON. */
function withoutBytes(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const json = value as { type?: unknown; data?: unknown } | null;
  return json?.type === 'Buffer' && Array.isArray(json.data)
    ? Buffer.from(json.data as number[]).toString('base64')
    : value;
}

/**
 * A request to an HTTP API, payload format 2.0.
 * Source: API Gateway developer guide, "Create AWS Lambda proxy integrations for HTTP APIs", example event.
 */
export function httpEvent(
  method: string,
  path: string,
  { body, headers = {}, cookies }: { body?: unknown; headers?: Record<string, string>; cookies?: string[] } = {},
): APIGatewayProxyEventV2 {
  const [rawPath = '', rawQueryString = ''] = path.split('?');
  const query = Object.fromEntries(new URLSearchParams(rawQueryString));
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    ...(cookies && { cookies }),
    headers: {
      accept: '*/*',
      host: 'r3pmxmplak.execute-api.us-east-2.amazonaws.com',
      'user-agent': 'curl/8.5.0',
      'x-amzn-trace-id': 'Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e',
      'x-forwarded-for': '205.255.255.176',
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
      ...(text !== undefined && {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(text)),
      }),
      ...headers,
    },
    ...(rawQueryString && { queryStringParameters: query }),
    requestContext: {
      accountId: '123456789012',
      apiId: 'r3pmxmplak',
      domainName: 'r3pmxmplak.execute-api.us-east-2.amazonaws.com',
      domainPrefix: 'r3pmxmplak',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '205.255.255.176', userAgent: 'curl/8.5.0' },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage: '$default',
      time: '10/Mar/2020:05:16:23 +0000',
      timeEpoch: 1583817383220,
    },
    // HTTP APIs encode bodies whose content type they do not know as text.
    ...(text !== undefined && { body: Buffer.from(text).toString('base64') }),
    isBase64Encoded: text !== undefined,
  };
}
