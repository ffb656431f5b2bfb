import { NativeConnection, Worker } from '@temporalio/worker';
import { workerTelemetry } from '../../src/workers/interceptors';
import { queues } from '../../src/workers/queues';
import { workflowBundle } from './bundle';
import type { TestGraph } from './graph';

/** Workers of all queues in this process, with the graph's activities. */
export async function startTestWorkers(graph: Pick<TestGraph, 'activities'>, address: string, options: { maxCachedWorkflows?: number } = {}): Promise<{ stop(): Promise<void> }> {
  const connection = await NativeConnection.connect({ address });
  const bundle = await workflowBundle();
  const workers = await Promise.all(
    queues.map((taskQueue) => Worker.create({ connection, taskQueue, workflowBundle: bundle, activities: graph.activities[taskQueue]!, ...workerTelemetry, ...options })),
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
