import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ScheduleOptionsStartWorkflowAction } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import type { Logger } from 'pino';
import type { StreamHandler } from '../operations/platform/streams/streamHandler';
import type { AnyRoute } from '../api/http/routes';
import type { Config } from '../config';
import type { Happening } from '../domain/platform/happening';
import type { Debt } from '../domain/platform/outbox';
import type { Endpoints } from '../config/endpoints';
import type { RecordSource } from '../gateways/streams/source';
import type { Temporal } from '../gateways/temporal';
import type { Metrics } from '../metrics';
import type { SkippingWork } from '../metrics/skips';
import type { IotReadings } from '../operations/devices/iotReadings';
import type { Redriver } from '../operations/platform/deadLetters/deadLetters';
import type { OnSkipped } from '../operations/platform/isolate';
import type { Notifications } from '../operations/platform/notifications';
import type { DeadLetter, DeadLetterStore } from '../stores/platform/deadLetters';
import type { ReconciledRows } from '../operations/platform/reconciliation/rows';
import type { Db } from '../stores/dynamodb';
import type { Ledger } from '../stores/platform/outbox';
import type { Queue } from '../workers/queues';

/** What every capability is built from. */
export interface Shared {
  config: Config;
  endpoints: Endpoints;
  db: Db;
  dynamodb: DynamoDBClient;
  ledger: Ledger;
  temporal: Temporal;
  notifications: Notifications;
  metrics: Metrics;
  logger: Logger;
  /** Signs what leaves us and comes back: links, cookies. */
  signingSecret: string;
  /** Address of the API as customers reach it, known once it listens. */
  publicUrl(): string;
  /** Starts what is owed after the answer; what fails stays owed. */
  startSoon(debt: Debt): void;
  /** Starts a workflow unless it runs already. @throws where Temporal is away. */
  startOnce(workflow: StandingWorkflow): Promise<unknown>;
  onFault(error: unknown): void;
  /** Logs, counts and tells each entity that this work skips. */
  onSkipped(work: SkippingWork): OnSkipped;
  letters: DeadLetterStore;
  /** Keeps dead letters, and counts and tells them. */
  keepLetters(letters: readonly DeadLetter[]): Promise<void>;
  /** Tells people who watch what has happened. Never throws, never waits. */
  note(happening: Happening): void;
  /** How long one attempt of a long activity works, in milliseconds; default an hour. */
  attemptMs?: number;
}

/** A workflow that is always there; started unless it runs. */
export interface StandingWorkflow {
  type: string;
  workflowId: string;
  taskQueue: Queue;
  args: unknown[];
  staticSummary: string;
}

/** A workflow that comes round. */
export interface ScheduledWorkflow {
  scheduleId: string;
  /** In UTC. */
  cron: string;
  action: Omit<ScheduleOptionsStartWorkflowAction<Workflow>, 'type'>;
}

/** A stream that is read, and what becomes of its records. */
export interface ReadStream {
  /** By which its workflows, checkpoints, dead letters and metrics go. */
  name: string;
  /** What the Web UI says of its workflow. */
  summary: string;
  source: RecordSource<unknown>;
  handler: StreamHandler<unknown>;
  /** Records were lost, since nobody read them for longer than the stream keeps them: what they feed must be made good. */
  trimmed?(): void;
}

/** Keeps source and handler of one kind. */
export function readStream<T>(stream: Pick<ReadStream, 'name' | 'summary' | 'trimmed'> & { source: RecordSource<T>; handler: StreamHandler<T> }): ReadStream {
  return stream as unknown as ReadStream;
}

/** What one capability adds to a process. */
export interface Part {
  routes: readonly AnyRoute[];
  activities: Partial<Record<Queue, object>>;
  standing: readonly StandingWorkflow[];
  /** Workflows that come round. */
  schedules?: readonly ScheduledWorkflow[];
  /** Rows whose lifecycles run in workflows: the reconciler starts again what was lost of them. */
  rows?: readonly ReconciledRows[];
  /** Streams that it reads. */
  streams?: readonly ReadStream[];
  /** What it listens to; started by whoever serves the queue, stopped before anything else is closed. */
  listeners?: readonly { queue: Queue; start(): void; stop(): Promise<void> }[];
  /** Who processes its dead letters that are no stream's once more, by source. */
  redrivers?: Readonly<Record<string, Redriver>>;
  /** Takes what a rule of AWS IoT Core hands over. */
  iotReadings?: IotReadings;
  /** What must be there before anything is served. */
  prepare?(): Promise<void>;
  /** Finishes what is under way in this process. */
  close?(): Promise<void>;
}
