import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ScheduleOptionsStartWorkflowAction } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { z } from 'zod';
import type { OutboxKind } from '../operations/platform/outbox/kinds';
import type { OutboxWriter } from '../operations/platform/outbox/outbox';
import type { StreamHandler } from '../operations/platform/streams/streamHandler';
import type { RequestIds } from '../api/http/loggedIds';
import type { AnyRoute } from '../api/http/router';
import type { PlatformConfig, SettingsOf } from '../config';
import type { Endpoints, KinesisNeed } from '../config/endpoints';
import type { ServiceName } from '../config/services';
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
import type { ReconciledRows } from '../operations/platform/reconciliation/reconciledRows';
import type { Db } from '../stores/dynamodb';
import type { InvestigationStore } from '../stores/fraud/investigations';
import type { CapabilityGrants } from '../stores/grants';
import type { Tables } from '../stores/tableSpec';
import type { Lifecycles } from '../domain/platform/lifecycle';
import type { WorkflowToStart } from '../domain/platform/workflows';
import type { FigureSource, Lead } from '../operations/platform/overview/overview';
import type { QueueSpec } from '../workers/selectQueues';

/** The objects of a process from which each capability is built. */
export interface Services<S = object> {
  /** The platform's settings and the capability's own. */
  config: PlatformConfig & SettingsOf<S>;
  endpoints: Endpoints;
  db: Db;
  dynamodb: DynamoDBClient;
  /** Records effects outside DynamoDB in the same transaction as the change that requires them. */
  outbox: OutboxWriter;
  temporal: Temporal;
  notifications: Notifications;
  /** The platform's metrics; a capability has its own. */
  metrics: Metrics;
  /** Measures calls of AWS and other clients. */
  watchCall: CallWatch;
  logger: Logger;
  /** Key that signs links and cookies, so that the API can verify them later. */
  signingSecret: string;
  /** Returns the address at which customers reach the API. It is known once the API listens. */
  publicUrl(): string;
  /**
   * Starts a workflow unless it is running already.
   * @throws LongwatchError `unavailable`, `refused`
   */
  startOnce(workflow: WorkflowToStart): Promise<unknown>;
  /** Reports a failure of background work that will be retried. */
  onFault(error: unknown): void;
  /** Returns a function that reports an entity that this work skips: in the log, the metrics and the overview. */
  onSkipped(work: string): OnSkipped;
  letters: DeadLetterStore;
  /** Stores dead letters and reports them: in the log, the metrics and the overview. */
  keepLetters(letters: readonly DeadLetter[]): Promise<void>;
  /** Shows an event on the overview page. Never throws and never waits. */
  note(happening: Happening): void;
  /** Duration of one attempt of a long activity, in milliseconds. Default: one hour. */
  attemptMs?: number;
}

/** A workflow that always runs. Every worker starts it if it does not run. */
export type StandingWorkflow = WorkflowToStart;

/** A workflow that Temporal starts by a schedule. */
export interface ScheduledWorkflow {
  scheduleId: string;
  /** Cron expression, in UTC. */
  cron: string;
  action: Omit<ScheduleOptionsStartWorkflowAction<Workflow>, 'type'>;
}

/** A stream that the process reads, and the handler of its records. */
export interface ReadStream {
  /** The stream's name in workflow ids, checkpoints, dead letters and metrics. */
  name: string;
  /** Summary of its workflow in Temporal's Web UI. */
  summary: string;
  source: RecordSource<unknown>;
  handler: StreamHandler<unknown>;
  /**
   * Called when records were lost because no reader read them within the stream's retention. It must repair the data
   * that the handler writes.
   */
  onGap?(): void;
}

/** Declares a stream, and checks that source and handler have the same record type. */
export function readStream<T>(
  stream: Pick<ReadStream, 'name' | 'summary' | 'onGap'> & { source: RecordSource<T>; handler: StreamHandler<T> },
): ReadStream {
  return stream as unknown as ReadStream;
}

/** A capability, built in a process. */
export interface CapabilityInstance {
  routes: readonly AnyRoute[];
  /** Activities by task queue. */
  activities: Readonly<Record<string, object>>;
  /** Workflows that always run. */
  standing: readonly StandingWorkflow[];
  /** Workflows that Temporal starts by a schedule. */
  schedules?: readonly ScheduledWorkflow[];
  /** Rows whose lifecycles run in workflows. The reconciler restarts their workflows if they are lost. */
  rows?: readonly ReconciledRows[];
  /** Streams that it reads. */
  streams?: readonly ReadStream[];
  /**
   * Listeners, such as MQTT. The process that serves the queue starts them, and stops them before it closes anything
   * else.
   */
  listeners?: readonly { queue: string; start(): void; stop(): Promise<void> }[];
  /** Redrivers of its dead letters that come from no stream, by source. */
  redrivers?: Readonly<Record<string, Redriver>>;
  /** Kinds of outbox entries that it records, besides workflow starts and signals. */
  outboxKinds?: readonly OutboxKind[];
  /** Event handlers of AWS Lambda functions that read no stream, by function. */
  handlers?: Readonly<Record<string, (event: never) => Promise<void>>>;
  /** Figures for the overview page, besides those of the declaration. */
  figures?: readonly FigureSource[];
  /** The store of the cases that the overview page lists. */
  cases?: Pick<InvestigationStore, 'byStatus'>;
  /** Creates the data that must exist before the process serves requests: a first rule set, a local bucket. */
  prepare?(): Promise<void>;
  /** Loads the data that requests need in memory, and refreshes it in the background. */
  load?(): Promise<void>;
  /** Opens connections and runs slow first calls, so that the first request does not wait for them. Never throws. */
  warmUp?(): Promise<void>;
  /** Writes the counts that the process has in memory. */
  flush?(): Promise<void>;
  /** Stops background work and finishes the work in progress. */
  close?(): Promise<void>;
}

/** A Lambda function of the stack that runs a part of a capability. */
export interface LambdaFunctionSpec {
  /** The function's handler, and the last part of its name. */
  name: string;
  /**
   * The source that invokes the function: records of a Kinesis stream (by the setting that names it), changes of a
   * table, or messages of AWS IoT Core.
   */
  source: { kinesis: string } | { table: string } | 'iot';
  /** Parts besides DynamoDB and Temporal that the function calls. */
  uses?: readonly ServiceName[];
  /** The stream's name in checkpoints, dead letters and metrics; absent if the function reads no stream. */
  stream?: string;
}

/** The content of the overview page for a capability. */
export interface CapabilityPage {
  /** The figure that the page shows large. */
  lead?: Lead;
  /** Workflow types whose begin and end are events on the page, with a name in words: `A season`. */
  news?: Readonly<Record<string, string>>;
  /** Workflow types whose running workflows the page counts, with the label. */
  running?: Readonly<Record<string, string>>;
  /** Tables whose items the page counts, with the label. */
  sizes?: Readonly<Record<string, string>>;
  /** Counters of this process. `label` returns the label of a series; undefined omits the series. */
  counters?: readonly {
    metric: string;
    label(labels: Readonly<Record<string, string | number | undefined>>): string | undefined;
  }[];
}

/** The declaration of a capability. Everything that lists capabilities is made from these objects. */
export interface Capability<S extends z.ZodRawShape = z.ZodRawShape, M = unknown> {
  /** Name in `LONGWATCH_CAPABILITIES`, on the overview page, and as the tag of its routes. */
  name: string;
  title: string;
  tables: Tables;
  grants: CapabilityGrants;
  /** Task queues by name. */
  queues: Readonly<Record<string, QueueSpec>>;
  lifecycles: Lifecycles;
  /**
   * Returns the path of the module that exports the workflows. A function, because a bundled Lambda function has no
   * such module.
   */
  workflowsPath(): string;
  /** The meaning of the parts of a workflow id, by its first part, for log lines: `cart/<userId>/<cartNumber>`. */
  workflowIds?: Readonly<Record<string, readonly string[]>>;
  /** Ids of its requests that log lines show. */
  requestIds?: RequestIds;
  settings: S;
  settingRules?: readonly SettingRule<S>[];
  /** Parts that it needs besides DynamoDB and Temporal. */
  parts?: Readonly<Partial<Record<ServiceName, 'required' | 'embedded' | 'optional'>>>;
  kinesisStreams?: readonly KinesisNeed[];
  functions?: readonly LambdaFunctionSpec[];
  metrics: new (registry: Registry) => M;
  page?: CapabilityPage;
  build(services: Services<S>, metrics: M): CapabilityInstance;
}

/** Infers the types of a capability's settings and metrics. */
export const declareCapability = <S extends z.ZodRawShape, M>(capability: Capability<S, M>): Capability<S, M> =>
  capability;

/** A capability without the types of its settings and metrics. */
export type AnyCapability = Capability;
/** Removes the types of a capability's settings and metrics, so that capabilities fit into one list. */
export const erased = <S extends z.ZodRawShape, M>(capability: Capability<S, M>): AnyCapability =>
  capability as unknown as AnyCapability;
