import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { bareDecision, type FloorSettings, openFloor } from '../floor';
import { PEER_QUEUE, type PeerActivities } from './workflow';

/** The peer's worker process. Its argument is the settings as JSON. */
async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('WARN') });
  const floor = openFloor(JSON.parse(process.argv[2] ?? '{}') as FloorSettings);
  const activities: PeerActivities = {
    async decide(id, user, merchant) {
      await bareDecision(floor, id, user, merchant);
      return 'approve';
    },
  };
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address: floor.addresses.temporal }),
    taskQueue: PEER_QUEUE,
    workflowsPath: require.resolve('./workflow'),
    activities,
    maxConcurrentActivityTaskExecutions: 50,
    maxConcurrentWorkflowTaskExecutions: 50,
  });
  process.once('message', () => worker.shutdown());
  // The parent process has ended.
  process.once('disconnect', () => process.exit(0));
  process.send?.('ready');
  await worker.run();
  process.exit(0);
}

void main();
