import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { DynamoDBDocumentClient, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import Table from 'cli-table3';
import { LOCAL_CREDENTIALS } from '../src/config/endpoints';
import { EndpointCalls } from '../src/gateways/fraud/endpointCalls';
import { DocumentClient, documentClient } from '../src/stores/documentClient';
import { dynamoDBClient } from '../src/stores/dynamodb';
import { bar as startBar } from './support/bar';
import { median, ratio } from './support/measure';
import type { Reached } from './support/targets';

export interface SdkBenchSettings {
  rounds: number;
  calls: number;
}

const REGION = 'us-east-1';
const IN_FLIGHT = 8;
/** Bytes of the largest attribute, as in a decision. */
const LARGE = 'x'.repeat(700);

/**
 * Measures the processor time of this process for one call: by the default clients of the SDK, and by Longwatch's. The
 * server answers at once with a fixed answer, in its own process. The clients take turns.
 */
export async function benchSdk({ rounds, calls }: SdkBenchSettings): Promise<Reached[]> {
  const server = fork(join(__dirname, 'support/fixedAnswers.ts'), { execArgv: ['--import', 'tsx'] });
  try {
    const [port] = (await once(server, 'message')) as [number];
    const settings = { region: REGION, endpoint: `http://127.0.0.1:${port}`, credentials: LOCAL_CREDENTIALS };
    const sdk = DynamoDBDocumentClient.from(new DynamoDBClient(settings));
    const ours = new DocumentClient(documentClient(dynamoDBClient(settings)));
    const sageMaker = new SageMakerRuntimeClient(settings);
    const models = new EndpointCalls(settings);
    const subjects: Record<string, [sdk: () => Promise<unknown>, ours: () => Promise<unknown>]> = {
      'GetItem, 700 bytes': [() => sdk.send(get()), () => ours.send(get())],
      'TransactWriteItems, 4 items of 800 bytes': [() => sdk.send(transaction()), () => ours.send(transaction())],
      'InvokeEndpoint, one row': [
        () => sageMaker.send(new InvokeEndpointCommand({ EndpointName: 'fraud', ContentType: 'text/csv', Body: ROW })),
        () => models.invoke({ endpointName: 'fraud', body: ROW }, AbortSignal.timeout(60_000)),
      ],
    };
    const taken = new Map(Object.keys(subjects).map((name) => [name, [[], []] as [number[], number[]]]));
    const bar = startBar('rounds', rounds);
    // The first round is not counted: it compiles code and opens connections.
    for (let round = -1; round < rounds; round++) {
      for (const [name, pair] of Object.entries(subjects))
        for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
          const each = await cpuPerCall(calls, pair[which]);
          if (round >= 0) taken.get(name)![which].push(each);
        }
      if (round >= 0) bar.increment();
    }
    bar.stop();
    return report(taken, { rounds, calls });
  } finally {
    server.disconnect();
  }
}

const get = () => new GetCommand({ TableName: 'Profiles', Key: { UserID: 'user-1' }, ConsistentRead: true });

const transaction = () =>
  new TransactWriteCommand({
    TransactItems: [
      {
        Update: {
          TableName: 'Profiles',
          Key: { UserID: 'user-1' },
          UpdateExpression: 'SET #state = :state, Version = :next',
          ConditionExpression: 'Version = :version',
          ExpressionAttributeNames: { '#state': 'State' },
          ExpressionAttributeValues: { ':state': LARGE, ':next': 13, ':version': 12 },
        },
      },
      ...['Decisions', 'History', 'Outbox'].map((TableName) => ({
        Put: {
          TableName,
          Item: { ID: 'id-1', Text: LARGE, Amount: 1_234, Score: 0.0123, At: 1_764_379_000_000, Country: 'DE' },
          ConditionExpression: 'attribute_not_exists(ID)',
        },
      })),
    ],
  });

const ROW = Array.from({ length: 36 }, (_, i) => i / 7).join(',');

/** Returns microseconds of this process' processor time, user and system, for one call. */
async function cpuPerCall(calls: number, call: () => Promise<unknown>): Promise<number> {
  let left = calls;
  const lane = async () => {
    while (left-- > 0) await call();
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

function report(taken: ReadonlyMap<string, [number[], number[]]>, { rounds, calls }: SdkBenchSettings): Reached[] {
  const table = new Table({
    head: ['processor time of a call', 'default client', 'Longwatch', 'ratio'],
    style: { head: [], border: [] },
  });
  const reached: Reached[] = [];
  for (const [name, [sdk, ours]] of taken) {
    const share = median(ours.map((one, i) => one / sdk[i]!));
    table.push([name, `${median(sdk).toFixed(0)} µs`, `${median(ours).toFixed(0)} µs`, ratio(share)]);
    if (!name.startsWith('Invoke'))
      reached.push({ what: `processor time of ${name}, over the default client's`, atMost: 0.5, reached: share });
  }
  console.log(`\n${table.toString()}`);
  console.log(`Medians of ${rounds} rounds of ${calls} calls, ${IN_FLIGHT} in flight.\n`);
  return reached;
}
