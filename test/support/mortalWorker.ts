import { readConfig } from '../../src/graph/config';
import { selectCapabilities } from '../../src/graph/selectCapabilities';
import { configuredEndpoints } from '../../src/config/endpoints';
import { buildGraph } from '../../src/graph';
import { combine } from '../../src/graph/combinedCapabilities';
import { installRuntime, startWorkers } from '../../src/workers';
import { TEST_SECRET } from './secret';

/**
 * Runs a worker as the product's in this process, but one that hears of each effect of an activity of these queues
 * before Temporal does: there it may die.
 */
export async function runMortalWorker(
  queues: readonly string[],
  afterEffect: (activity: string) => void,
): Promise<void> {
  const config = readConfig();
  const graph = buildGraph({
    config,
    endpoints: configuredEndpoints(config, {}, combine(selectCapabilities(config.LONGWATCH_CAPABILITIES)).needs),
    signingSecret: TEST_SECRET,
    publicUrl: () => 'http://longwatch.test',
  });
  const mortal = (activities: object) =>
    Object.fromEntries(
      Object.entries(activities).map(([name, run]) => [
        name,
        async (...args: unknown[]) => {
          const result: unknown = await (run as (...given: unknown[]) => Promise<unknown>)(...args);
          afterEffect(name);
          return result;
        },
      ]),
    );
  installRuntime('error');
  await graph.load();
  startWorkers({
    connection: graph.target.connection,
    namespace: graph.target.namespace,
    activities: {
      ...graph.activities,
      ...Object.fromEntries(
        queues.flatMap((queue) => (graph.activities[queue] ? [[queue, mortal(graph.activities[queue])]] : [])),
      ),
    },
    queues: graph.combined.queues,
    workflowsPaths: () => graph.combined.workflowsPaths(),
    workflowIds: graph.combined.workflowIds,
    bundlePath: config.LONGWATCH_WORKFLOW_BUNDLE,
    logLevel: 'error',
    onRunning: () => void graph.startStandingWorkflows(),
    onFault: (error) => process.stderr.write(`${String(error)}\n`),
    onBroken: (error) => process.stderr.write(`${String(error)}\n`),
  });
}
