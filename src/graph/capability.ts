import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ScheduleOptionsStartWorkflowAction } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { z } from 'zod';
import type { OutboxKind } from '../operations/platform/outbox/kinds';
import type { OutboxWriter } from '../operations/platform/outbox/outbox';
import type { StreamHandler } from '../operations/platform/streams/streamHandler';
import type { RequestIds } from '../api/http/requestIds';
import type { AnyRoute } from '../api/http/routes';
import type { PlatformConfig, SettingsOf } from '../config';
import type { Endpoints, KinesisNeed } from '../config/endpoints';
import type { PartName } from '../config/parts';
import type { SettingRule } from '../config/rules';
import type { Happening } from '../domain/platform/happening';
import type { RecordSource } from '../gateways/streams/source';
import type { Temporal } from '../gateways/temporal';
import type { Metrics } from '../metrics';
import type { CallWatch } from '../telemetry/calls';
import type { Redriver } from '../operations/platform/deadLetters/deadLetters';
import type { OnSkipped } from '../operations/platform/isolate';
import type { Notifications } from '../operations/platform/notifications';
import type { DeadLetter, DeadLetterStore } from '../stores/platform/deadLetters';
import type { ReconciledRows } from '../operations/platform/reconciliation/rows';
import type { Db } from '../stores/dynamodb';
import type { InvestigationStore } from '../stores/fraud/investigations';
import type { CapabilityGrants } from '../stores/grants';
import type { Tables } from '../stores/tables';
import type { Lifecycles } from '../domain/platform/lifecycle';
import type { FigureSource, Lead } from '../operations/platform/overview/overview';
import type { QueueSpec } from '../workers/queues';

/** What a process offers every capability. */
export interface Services<S = object> {
  /** The platform's settings and the capability's own. */
  config: PlatformConfig & SettingsOf<S>;
  endpoints: Endpoints;
  db: Db;
  dynamodb: DynamoDBClient;
  /** Records what must happen outside DynamoDB in the transaction that makes it necessary. */
  outbox: OutboxWriter;
  temporal: Temporal;
  notifications: Notifications;
  /** The platform's metrics; a capability has its own. */
  metrics: Metrics;
  /** Measures calls of AWS and other clients. */
  watchCall: CallWatch;
  logger: Logger;
  /** Signs what leaves us and comes back: links, cookies. */
  signingSecret: string;
  /** Address of the API as customers reach it, known once it listens. */
  publicUrl(): string;
  /** Starts a workflow unless it runs already. @throws where Temporal is away. */
  startOnce(workflow: StandingWorkflow): Promise<unknown>;
  onFault(error: unknown): void;
  /** Logs, counts and tells each entity that this work skips. */
  onSkipped(work: string): OnSkipped;
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
  taskQueue: string;
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
  /**
   * Records were lost, since nobody read them for longer than the stream keeps them: what they feed must be made good.
   */
  trimmed?(): void;
}

/** Keeps source and handler of one kind. */
export function readStream<T>(
  stream: Pick<ReadStream, 'name' | 'summary' | 'trimmed'> & { source: RecordSource<T>; handler: StreamHandler<T> },
): ReadStream {
  return stream as unknown as ReadStream;
}

/** One capability in one process. */
export interface CapabilityInstance {
  routes: readonly AnyRoute[];
  activities: Readonly<Record<string, object>>;
  standing: readonly StandingWorkflow[];
  /** Workflows that come round. */
  schedules?: readonly ScheduledWorkflow[];
  /** Rows whose lifecycles run in workflows: the reconciler starts again what was lost of them. */
  rows?: readonly ReconciledRows[];
  /** Streams that it reads. */
  streams?: readonly ReadStream[];
  /** What it listens to; started by whoever serves the queue, stopped before anything else is closed. */
  listeners?: readonly { queue: string; start(): void; stop(): Promise<void> }[];
  /** Who processes its dead letters that are no stream's once more, by source. */
  redrivers?: Readonly<Record<string, Redriver>>;
  /** Kinds of outbox entries that it records, beside workflow starts and signals. */
  outboxKinds?: readonly OutboxKind[];
  /** Event handlers of AWS Lambda functions that read no stream, by function. */
  handlers?: Readonly<Record<string, (event: never) => Promise<void>>>;
  /** Figures for the overview, beside those that the declaration names. */
  figures?: readonly FigureSource[];
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

/** A Lambda function of the stack that runs a part of a capability. */
export interface LambdaFunctionSpec {
  /** The function's handler, and the last part of its name. */
  name: string;
  /**
   * What calls the function: records of a Kinesis stream, by its setting; changes of a table; messages of AWS IoT Core.
   */
  source: { kinesis: string } | { table: string } | 'iot';
  /** Parts beside DynamoDB and Temporal that the function calls. */
  uses?: readonly PartName[];
  /** The stream's name in checkpoints, dead letters and metrics; absent where the function reads none. */
  stream?: string;
}

/** What the overview page shows of a capability. */
export interface CapabilityPage {
  /** The figure that the page shows large. */
  lead?: Lead;
  /** Workflow types that are news when they begin and end, in words: `A season`. */
  news?: Readonly<Record<string, string>>;
  /** Workflow types of which the page shows how many run, with the label. */
  running?: Readonly<Record<string, string>>;
  /** Tables of which the page shows the number of items, with the label. */
  sizes?: Readonly<Record<string, string>>;
  /** Counters of this process. The label of a series; undefined leaves it out. */
  counters?: readonly {
    metric: string;
    label(labels: Readonly<Record<string, string | number | undefined>>): string | undefined;
  }[];
}

/** A capability, declared in one place. Everything that lists capabilities is made from these objects. */
export interface Capability<S extends z.ZodRawShape = z.ZodRawShape, M = unknown> {
  /** As `LONGWATCH_CAPABILITIES`, the page and the API's tags have it. */
  name: string;
  title: string;
  tables: Tables;
  grants: CapabilityGrants;
  /** Task queues by name. */
  queues: Readonly<Record<string, QueueSpec>>;
  lifecycles: Lifecycles;
  /** The module that exports the workflows. A function, because a bundled Lambda function has no such module. */
  workflowsPath(): string;
  /** What the parts of a workflow id are, by its first part, for log lines: `cart/<userId>/<cartNumber>`. */
  workflowIds?: Readonly<Record<string, readonly string[]>>;
  /** Ids of its requests that log lines show. */
  requestIds?: RequestIds;
  settings: S;
  settingRules?: readonly SettingRule<S>[];
  /** Parts that it uses beside DynamoDB and Temporal. */
  parts?: Readonly<Partial<Record<PartName, 'required' | 'embedded' | 'optional'>>>;
  kinesisStreams?: readonly KinesisNeed[];
  functions?: readonly LambdaFunctionSpec[];
  metrics: new (registry: Registry) => M;
  page?: CapabilityPage;
  build(services: Services<S>, metrics: M): CapabilityInstance;
}

/** Infers the types of a capability's settings and metrics. */
export const declareCapability = <S extends z.ZodRawShape, M>(capability: Capability<S, M>): Capability<S, M> =>
  capability;

/** A capability whose settings and metrics only itself knows. */
export type AnyCapability = Capability;
export const erased = <S extends z.ZodRawShape, M>(capability: Capability<S, M>): AnyCapability =>
  capability as unknown as AnyCapability;
