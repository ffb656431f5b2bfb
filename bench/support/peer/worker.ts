import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { NativeConnection, Worker } from '@temporalio/worker';
import { bareDecision, type Floor } from '../floor';
import type { PeerActivities } from './workflow';

export const PEER_QUEUE = 'bench-peer';

/** A process of its own, as a worker would be; told what to do by one JSON argument. */
async function main(): Promise<void> {
  const settings = JSON.parse(process.argv[2] ?? '{}') as Omit<Floor, 'dynamodb' | 'sagemaker'> & {
    temporal: string;
    dynamodb: string;
    sagemaker: string;
  };
  const shared = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const floor: Floor = {
    ...settings,
    dynamodb: new DynamoDBClient({ ...shared, endpoint: settings.dynamodb, requestHandler: new NodeHttpHandler() }),
    sagemaker: new SageMakerRuntimeClient({ ...shared, endpoint: settings.sagemaker, requestHandler: new NodeHttpHandler() }),
  };
  const activities: PeerActivities = {
    async decide(id, user, merchant) {
      await bareDecision(floor, id, user, merchant);
      return 'approve';
    },
  };
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address: settings.temporal }),
    taskQueue: PEER_QUEUE,
    workflowsPath: require.resolve('./workflow'),
    activities,
    maxConcurrentActivityTaskExecutions: 50,
    maxConcurrentWorkflowTaskExecutions: 50,
  });
  process.once('message', () => worker.shutdown());
  process.send?.('ready');
  await worker.run();
  process.exit(0);
}

void main();
