import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { readConfig } from '../../src/config';
import { configuredEndpoints } from '../../src/endpoints';
import { buildGraph } from '../../src/graph';
import { installRuntime, startWorkers } from '../../src/workers';
import { CARTS_QUEUE } from '../../src/workflows/carts/declarations';
import { FRAUD_QUEUE } from '../../src/workflows/fraud/declarations';
import { TEST_SECRET } from './secret';

/**
 * A worker as the product's, but one that is killed (SIGKILL, by itself) when activity number n of a case or a
 * checkout has had its effect and Temporal has not heard of it yet. Which n is the last part of its id, `…-kill-n`;
 * once each. The folder of the first argument keeps what happened over the deaths.
 */
const folder = process.argv[2]!;

/** `<activity> <attempt>` a line, for every effect of a case. */
const journalOf = (workflowId: string) => join(folder, `${workflowId.replace('/', '_')}.log`);
const effectsOf = (workflowId: string) => (existsSync(journalOf(workflowId)) ? readFileSync(journalOf(workflowId), 'utf8').trim().split('\n') : []);

function mortal<A extends object>(activities: A): A {
  return Object.fromEntries(
    Object.entries(activities).map(([name, run]) => [
      name,
      async (...args: unknown[]) => {
        const result: unknown = await (run as (...given: unknown[]) => Promise<unknown>)(...args);
        const { workflowExecution, attempt } = Context.current().info;
        const { workflowId } = workflowExecution!;
        appendFileSync(journalOf(workflowId), `${name} ${attempt}\n`);
        const dieAfter = Number(/-kill-(\d+)$/.exec(workflowId)?.[1] ?? 0);
        const death = join(folder, `${workflowId.replace('/', '_')}.death`);
        if (effectsOf(workflowId).length === dieAfter && !existsSync(death)) {
          writeFileSync(death, name);
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
    activities: { ...graph.activities, [FRAUD_QUEUE]: mortal(graph.activities[FRAUD_QUEUE]!), [CARTS_QUEUE]: mortal(graph.activities[CARTS_QUEUE]!) },
    logLevel: 'error',
    onRunning: () => void graph.startStandingWorkflows(),
    onFault: (error) => process.stderr.write(`${String(error)}\n`),
  });
}

void main();
