import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { queues } from '../../src/workers/queues';
import type { TestGraph } from './graph';

/** Workers of all queues in this process, with the graph's activities. */
export async function startTestWorkers(graph: TestGraph, address: string, options: Pick<WorkerOptions, 'maxCachedWorkflows'> = {}): Promise<{ stop(): Promise<void> }> {
  const connection = await NativeConnection.connect({ address });
  const workflowBundle = await bundleWorkflowCode({ workflowsPath: require.resolve('../../src/workflows'), logger: new DefaultLogger('ERROR') });
  const workers = await Promise.all(
    queues.map((taskQueue) => Worker.create({ connection, taskQueue, workflowBundle, activities: graph.activities[taskQueue]!, ...options })),
  );
  const running = Promise.all(workers.map((worker) => worker.run()));
  return {
    async stop() {
      workers.forEach((worker) => worker.shutdown());
      await running;
      await connection.close();
    },
  };
}
