import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { startTemporal } from '../../src/local/temporal';
import { findTemporal } from '../../src/local/temporalCli';
import { searchAttributeTypes } from '../../src/domain/platform/searchAttributes';
import { eventually } from './stack';

export interface TestTemporal {
  /** host:port. */
  address: string;
  stop(): Promise<void>;
}

/** A Temporal dev server of its own that keeps nothing. The first on a machine may build it. */
export async function startTestTemporal(): Promise<TestTemporal> {
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-temporal-'));
  const executable = await findTemporal({ onStage: () => undefined });
  const { child, address } = await startTemporal({
    executable,
    dataDir,
    inMemory: true,
    namespace: 'default',
    searchAttributes: searchAttributeTypes,
  });
  return {
    address,
    async stop() {
      await child.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** How many runs there ever were under a workflow's id. */
export async function runsOf({ workflow }: Pick<Client, 'workflow'>, workflowId: string): Promise<number> {
  let runs = 0;
  for await (const _ of workflow.list({ query: `WorkflowId = '${workflowId}'` })) runs++;
  return runs;
}

/**
 * What a workflow ended with. A server that is slow to answer leaves the start to the relay, so that it may not have
 * begun yet.
 */
export async function resultOf(client: Pick<Client, 'workflow'>, workflowId: string): Promise<unknown> {
  await eventually(
    () => runsOf(client, workflowId),
    (runs) => runs > 0,
  );
  return client.workflow.getHandle(workflowId).result();
}
