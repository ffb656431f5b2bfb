import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../src/config';
import { configuredEndpoints } from '../../src/endpoints';
import { buildGraph } from '../../src/graph';
import { installRuntime, startWorkers } from '../../src/workers';
import { DEVICES_QUEUE } from '../../src/workflows/devices/declarations';
import { TEST_SECRET } from './secret';

/**
 * A worker as the product's, but one that is killed (SIGKILL, by itself) when an activity of these has had its effect for
 * the first time, before Temporal has heard of it. The folder of the first argument keeps what happened over the deaths.
 */
const FATAL = new Set(['writeLane', 'commitArchive', 'deletePart', 'rewriteDay']);
const journal = join(process.argv[2]!, 'deaths.log');
const deaths = () => (existsSync(journal) ? readFileSync(journal, 'utf8').trim().split('\n') : []);

function mortal<A extends object>(activities: A): A {
  return Object.fromEntries(
    Object.entries(activities).map(([name, run]) => [
      name,
      async (...args: unknown[]) => {
        const result: unknown = await (run as (...given: unknown[]) => Promise<unknown>)(...args);
        if (FATAL.has(name) && !deaths().includes(name)) {
          appendFileSync(journal, `${name}\n`);
          process.kill(process.pid, 'SIGKILL');
        }
        return result;
      },
    ]),
  ) as A;
}

const config = readConfig();
const graph = buildGraph({
  config,
  endpoints: configuredEndpoints(config, {}),
  signingSecret: TEST_SECRET,
  publicUrl: () => 'http://longwatch.test',
});

async function main(): Promise<void> {
  installRuntime('error');
  await graph.startRules();
  startWorkers({
    connection: graph.target.connection,
    namespace: graph.target.namespace,
    activities: { ...graph.activities, [DEVICES_QUEUE]: mortal(graph.activities[DEVICES_QUEUE]!) },
    logLevel: 'error',
    onRunning: () => void graph.startStandingWorkflows(),
    onFault: (error) => process.stderr.write(`${String(error)}\n`),
  });
}

void main();
