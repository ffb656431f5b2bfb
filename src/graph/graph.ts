import type { Readiness } from '../api/platform/health';
import type { AnyRoute } from '../api/http/router';
import type { TemporalTarget } from '../gateways/temporal';
import { prepareTables, updateTables } from '../stores/tableChanges';
import type { CapabilityInstance } from './capability';
import type { Combined } from './combinedCapabilities';
import type { Platform } from './platform';
import type { ProcessParts } from './process';
import { reconcilerWorkflow } from './reconciler';

/** The parts that {@link Graph} needs. */
export interface GraphParts {
  combined: Combined;
  common: ProcessParts;
  platform: Platform;
  instances: readonly CapabilityInstance[];
}

/** All objects of a process, and the steps that it takes with all of its capabilities: prepare, load, listen, close. */
export class Graph {
  readonly combined: Combined;
  readonly logger: ProcessParts['services']['logger'];
  readonly metrics: ProcessParts['services']['metrics'];
  readonly temporal: ProcessParts['services']['temporal'];
  readonly onFault: ProcessParts['services']['onFault'];
  readonly outbox: ProcessParts['outbox'];
  /** Temporal's address and data converter. */
  readonly target: TemporalTarget;
  /** The consumers of the streams, by the stream's name. */
  readonly consumers: Platform['consumers'];
  readonly routes: readonly AnyRoute[];
  /** Activities by task queue. */
  readonly activities: Readonly<Record<string, object>>;
  /** Event handlers of Lambda functions that read no stream. */
  readonly handlers: NonNullable<CapabilityInstance['handlers']>;
  /** Pause between two quick reconciliations, in milliseconds. */
  readonly reconcileEveryMs: number;

  constructor(private readonly parts: GraphParts) {
    const { combined, common, platform, instances } = parts;
    const { services, outbox, target, encryption } = common;
    const all = [platform, ...instances];
    this.combined = combined;
    this.logger = services.logger;
    this.metrics = services.metrics;
    this.temporal = services.temporal;
    this.onFault = services.onFault;
    this.outbox = outbox;
    this.target = target;
    this.consumers = platform.consumers;
    this.routes = [...all.flatMap(({ routes }) => routes), ...(encryption?.routes ?? [])];
    this.activities = Object.assign({}, ...all.map(({ activities }) => activities)) as Graph['activities'];
    this.handlers = Object.assign({}, ...instances.map(({ handlers }) => handlers)) as Graph['handlers'];
    this.reconcileEveryMs = services.config.LONGWATCH_RECONCILE_EVERY_MS;
  }

  /**
   * Returns whether the process can serve requests.
   * @param worker state of this process's workers
   */
  readiness(worker: Readiness['worker']): Promise<Readiness> {
    return this.parts.platform.readiness(worker);
  }

  /**
   * Creates missing tables, and the data that capabilities need in them.
   * @param tables `update` also adds what an older version of a table lacks; `check` reports it as an error
   * @throws TableMismatchError if a table differs from its declaration
   */
  async prepareStores(tables: 'check' | 'update' = 'check'): Promise<void> {
    const { dynamodb, config } = this.parts.common.services;
    const { tables: declared } = this.combined;
    if (tables === 'update') await updateTables(dynamodb, config.LONGWATCH_TABLE_PREFIX, declared);
    await prepareTables(dynamodb, config.LONGWATCH_TABLE_PREFIX, declared);
    for (const instance of this.parts.instances) await instance.prepare?.();
  }

  /** Loads the data that requests need in memory (rule sets, models), and refreshes it in the background. */
  async load(): Promise<void> {
    await Promise.all(this.parts.instances.map((instance) => instance.load?.()));
  }

  /** Opens connections and runs slow first calls. Otherwise the first request would exceed its deadline. */
  async warmUp(): Promise<void> {
    await Promise.all(this.parts.instances.map((instance) => instance.warmUp?.()));
  }

  /** Starts the standing workflows and creates the schedules. Every process with workers calls this. */
  async startStandingWorkflows(): Promise<void> {
    const { common, platform } = this.parts;
    await this.temporal.ensureSearchAttributes();
    for (const one of platform.standing) await common.services.startOnce(one);
    for (const { scheduleId, cron, action } of platform.schedules)
      await this.temporal.ensureSchedule(scheduleId, cron, action);
  }

  /**
   * Starts the reconciler if it does not run. Every worker calls this regularly, because only the reconciler restarts
   * other workflows.
   */
  async keepReconciler(): Promise<void> {
    await this.parts.common.services.startOnce(reconcilerWorkflow);
  }

  /** Starts the listeners of the queues that this process serves. */
  startListening(served: readonly string[]): void {
    for (const { queue, start } of this.listeners()) if (served.includes(queue)) start();
  }

  /** Writes the counts that this process has in memory. */
  async flush(): Promise<void> {
    await Promise.all(this.parts.instances.map((instance) => instance.flush?.()));
  }

  /** Ends the event streams of the overview page, so that a stopping server does not wait for their readers. */
  endStreams(): void {
    this.parts.platform.overview.endStreams();
  }

  /** Stops the listeners, then background work, then the outbox, then the connections that all of them use. */
  async close(): Promise<void> {
    const { common, platform, instances } = this.parts;
    platform.overview.close();
    await Promise.all(this.listeners().map((listener) => listener.stop()));
    await Promise.all(instances.map((instance) => instance.close?.()));
    await this.outbox.drain(5_000);
    await this.temporal.close();
    common.services.dynamodb.destroy();
  }

  private listeners(): NonNullable<CapabilityInstance['listeners']> {
    return this.parts.instances.flatMap(({ listeners = [] }) => listeners);
  }
}
