import { NativeConnection, Worker } from '@temporalio/worker';
import { everything } from '../../src/graph/capabilities';
import { workerTelemetry } from '../../src/workers/interceptors';
import { workflowBundle } from './bundle';
import type { TestGraph } from './graph';

/** Workers of all queues in this process, with the graph's activities. */
export async function startTestWorkers(
  graph: Pick<TestGraph, 'activities'>,
  address: string,
  options: { maxCachedWorkflows?: number } = {},
): Promise<{ stop(): Promise<void> }> {
  const connection = await NativeConnection.connect({ address });
  const bundle = await workflowBundle();
  const workers = await Promise.all(
    Object.entries(graph.activities).map(([taskQueue, activities]) =>
      Worker.create({
        connection,
        taskQueue,
        workflowBundle: bundle,
        activities,
        ...workerTelemetry(everything.workflowIds),
        ...options,
      }),
    ),
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
