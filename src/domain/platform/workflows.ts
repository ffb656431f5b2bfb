import type { ReconciliationMode } from './reconciliation';

/** The task queue of the platform. Its name differs because running deployments already use it. */
export const PLATFORM_QUEUE = 'longwatch-operations';

/** The workflow type of the outbox relay. */
export const RELAY_TYPE = 'relay';
/** The workflow id of the outbox relay, one per namespace; every worker starts it with USE_EXISTING. */
export const RELAY_ID = 'relay';

/** The workflow type of the reconciler. */
export const RECONCILER_TYPE = 'reconciler';
/** The workflow id of the reconciler, one per namespace; every worker starts it, and restarts it when it is missing. */
export const RECONCILER_ID = 'reconciler';

/** The workflow type of a single reconciliation. */
export const RECONCILIATION_TYPE = 'reconciliation';
/** The id of the full reconciliation's schedule, and the prefix of the workflow ids of its runs. */
export const RECONCILIATION_ID = 'reconciliation';
/** Returns the id of a requested reconciliation; USE_EXISTING allows one of each mode at a time. */
export const reconciliationId = (mode: ReconciliationMode): string => `${RECONCILIATION_ID}/${mode}`;

/** The argument of the `reconciliation` workflow. */
export interface ReconciliationInput {
  mode: ReconciliationMode;
}

/** The workflow type that reads a stream. */
export const STREAM_TYPE = 'stream';
/** The workflow type that reads a shard. */
export const SHARD_TYPE = 'shard';

/** Returns the workflow id of a stream's reader; every worker starts it with USE_EXISTING. */
export function streamWorkflowId(stream: string): string {
  return `stream/${stream}`;
}

/** Returns the workflow id of a shard's reader, a child of the stream's workflow. */
export function shardWorkflowId(stream: string, shardId: string): string {
  return `shard/${stream}/${shardId}`;
}

/** The argument of the `stream` workflow. */
export interface StreamInput {
  stream: string;
}

/** The argument of the `shard` workflow. */
export interface ShardInput {
  stream: string;
  shardId: string;
}

/** The workflow type that redrives dead letters. */
export const REDRIVE_TYPE = 'redrive';

/** Returns the workflow id of a redrive, one per stream at a time. */
export function redriveWorkflowId(stream: string): string {
  return `redrive/${stream}`;
}

/** The argument of the `redrive` workflow. */
export interface RedriveInput {
  stream: string;
  /** The id of the dead letter after which the run continues; absent in the first run. */
  after?: string;
  sofar?: RedriveReport;
}

/** The result of a redrive. */
export interface RedriveReport {
  /** Number of dead letters that were processed and deleted. */
  redriven: number;
  /** Number of dead letters that failed again and stay. */
  left: number;
}

/** A workflow that is started unless one with its id is running. */
export interface WorkflowToStart<A extends unknown[] = unknown[]> {
  type: string;
  workflowId: string;
  taskQueue: string;
  args: A;
  staticSummary: string;
}
