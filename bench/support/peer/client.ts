import { fork } from 'node:child_process';
import { join } from 'node:path';
import { type Client, WithStartWorkflowOperation } from '@temporalio/client';
import type { FloorSettings } from '../floor';
import { decideInWorkflow, decideNow, decideRecord, PEER_QUEUE } from './workflow';

/** The peer: takes the bare decision in a workflow. */
export interface Peer {
  decide(id: string, user: string, merchant: string): Promise<void>;
  /** Takes a decision in a workflow without an update. */
  decideRecord(id: string, user: string, merchant: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the peer's worker in its own process, and returns its client, on the product's Temporal server. */
export async function startPeer(settings: FloorSettings, client: Client): Promise<Peer> {
  const worker = fork(join(__dirname, 'worker.ts'), [JSON.stringify(settings)], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = new Promise<number | null>((resolve) => worker.once('exit', resolve));
  await Promise.race([
    new Promise((resolve) => worker.once('message', resolve)),
    ended.then((code) => Promise.reject(new Error(`The peer's worker ended with ${code} before it was ready`))),
  ]);
  return {
    async decide(id, user, merchant) {
      const startWorkflowOperation = new WithStartWorkflowOperation(decideInWorkflow, {
        workflowId: `bench-decision/${id}`,
        taskQueue: PEER_QUEUE,
        workflowIdConflictPolicy: 'FAIL',
      });
      await client.workflow.executeUpdateWithStart(decideNow, { startWorkflowOperation, args: [id, user, merchant] });
    },
    async decideRecord(id, user, merchant) {
      await client.workflow.execute(decideRecord, {
        workflowId: `bench-record/${id}`,
        taskQueue: PEER_QUEUE,
        args: [id, user, merchant],
      });
    },
    async stop() {
      worker.send('stop');
      await ended;
    },
  };
}
