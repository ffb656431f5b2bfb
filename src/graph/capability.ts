import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ScheduleOptionsStartWorkflowAction } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import type { Logger } from 'pino';
import type { OutboxKind } from '../operations/platform/outbox/kinds';
import type { OutboxWriter } from '../operations/platform/outbox/outbox';
import type { StreamHandler } from '../operations/platform/streams/streamHandler';
import type { AnyRoute } from '../api/http/routes';
import type { Config } from '../config';
import type { Happening } from '../domain/platform/happening';
import type { Endpoints } from '../config/endpoints';
import type { RecordSource } from '../gateways/streams/source';
import type { Temporal } from '../gateways/temporal';
import type { Metrics } from '../metrics';
import type { SkippingWork } from '../metrics/skips';
import type { Redriver } from '../operations/platform/deadLetters/deadLetters';
import type { OnSkipped } from '../operations/platform/isolate';
import type { Notifications } from '../operations/platform/notifications';
import type { DeadLetter, DeadLetterStore } from '../stores/platform/deadLetters';
import type { ReconciledRows } from '../operations/platform/reconciliation/rows';
import type { Db } from '../stores/dynamodb';
import type { InvestigationStore } from '../stores/fraud/investigations';
import type { Queue } from '../workers/queues';

/** What a process offers every capability. */
export interface Services {
  config: Config;
  endpoints: Endpoints;
  db: Db;
  dynamodb: DynamoDBClient;
  /** Records what must happen outside DynamoDB in the transaction that makes it necessary. */
  outbox: OutboxWriter;
  temporal: Temporal;
  notifications: Notifications;
  metrics: Metrics;
  logger: Logger;
  /** Signs what leaves us and comes back: links, cookies. */
  signingSecret: string;
  /** Address of the API as customers reach it, known once it listens. */
  publicUrl(): string;
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

/** One capability in one process. */
export interface CapabilityInstance {
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
  /** Kinds of outbox entries that it records, beside workflow starts and signals. */
  outboxKinds?: readonly OutboxKind[];
  /** Event handlers of AWS Lambda functions that read no stream, by function. */
  handlers?: Readonly<Record<string, (event: never) => Promise<void>>>;
  /** Cases that people work on, for the overview. */
  cases?: Pick<InvestigationStore, 'byStatus'>;
  /** Creates what must exist before the process serves: a first rule set, a local bucket. */
  prepare?(): Promise<void>;
  /** Loads what requests need in memory, and keeps it current in the background. */
  load?(): Promise<void>;
  /** Opens connections and runs once what the first request would otherwise wait for. Never throws. */
  warmUp?(): Promise<void>;
  /** Writes what the process has counted in memory. */
  flush?(): Promise<void>;
  /** Stops background work and finishes what is in flight in this process. */
  close?(): Promise<void>;
}
