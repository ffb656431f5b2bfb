import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { CARTS_QUEUE } from '../../src/domain/carts/workflows';
import { FRAUD_QUEUE } from '../../src/domain/fraud/workflows';
import { runMortalWorker } from './mortalWorker';

/**
 * A worker that is killed (SIGKILL, by itself) when activity number n of a case or a checkout has had its effect and
 * Temporal has not heard of it yet. Which n is the last part of its id, `…-kill-n`; once each. The folder of the first
 * argument keeps what happened over the deaths.
 */
const folder = process.argv[2]!;

/** `<activity> <attempt>` a line, for every effect of a case. */
const journalOf = (workflowId: string) => join(folder, `${workflowId.replace('/', '_')}.log`);
const effectsOf = (workflowId: string) => readFileSync(journalOf(workflowId), 'utf8').trim().split('\n');

void runMortalWorker([FRAUD_QUEUE, CARTS_QUEUE], (activity) => {
  const { workflowExecution, attempt } = Context.current().info;
  const { workflowId } = workflowExecution!;
  appendFileSync(journalOf(workflowId), `${activity} ${attempt}\n`);
  const dieAfter = Number(/-kill-(\d+)$/.exec(workflowId)?.[1] ?? 0);
  const death = join(folder, `${workflowId.replace('/', '_')}.death`);
  if (effectsOf(workflowId).length !== dieAfter || existsSync(death)) return;
  writeFileSync(death, activity);
  process.kill(process.pid, 'SIGKILL');
});
