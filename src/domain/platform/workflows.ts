import type { LookMode } from './reconciliation';

/** The queue keeps the name that it has in production. */
export const PLATFORM_QUEUE = 'longwatch-operations';

/** One a namespace; started with USE_EXISTING by every worker, so it is always there. */
export const RELAY_TYPE = 'relay';
export const RELAY_ID = 'relay';

/** One a namespace; started by every worker, and again by every worker that finds it gone. */
export const RECONCILER_TYPE = 'reconciler';
export const RECONCILER_ID = 'reconciler';

export const RECONCILIATION_TYPE = 'reconciliation';
/** The schedule of the full look, and the beginning of its runs' workflow ids. */
export const RECONCILIATION_ID = 'reconciliation';
/** One of a mode at a time that somebody asked for; USE_EXISTING. */
export const reconciliationId = (mode: LookMode): string => `${RECONCILIATION_ID}/${mode}`;

export interface ReconciliationInput {
  mode: LookMode;
}

export const STREAM_TYPE = 'stream';
export const SHARD_TYPE = 'shard';

/** One a stream; started with USE_EXISTING by every worker. */
export function streamWorkflowId(stream: string): string {
  return `stream/${stream}`;
}

/** One a shard, the lease on it: a child of the stream's workflow. */
export function shardWorkflowId(stream: string, shardId: string): string {
  return `shard/${stream}/${shardId}`;
}

export interface StreamInput {
  stream: string;
}

export interface ShardInput {
  stream: string;
  shardId: string;
}

export const REDRIVE_TYPE = 'redrive';

/** One a stream at a time. */
export function redriveWorkflowId(stream: string): string {
  return `redrive/${stream}`;
}

export interface RedriveInput {
  stream: string;
  /** Go on after this one; absent at the beginning. */
  after?: string;
  sofar?: RedriveReport;
}

export interface RedriveReport {
  /** Processed now, and struck off. */
  redriven: number;
  /** Still cannot be processed, and stay. */
  left: number;
}
