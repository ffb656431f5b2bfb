import type { RequestIds } from '../api/http/requestIds';
import type { AnyRoute } from '../api/http/routes';
import { Outbox } from '../operations/platform/outbox/outbox';
import { prepareTables, updateTables } from '../stores/tableChanges';
import type { CapabilityInstance } from './capability';
import { combine } from './combined';
import { selectCapabilities } from './config';
import { buildPlatform } from './platform';
import { buildProcess } from './process';
import { reconcilerWorkflow } from './reconciler';
import type { GraphSettings } from './settings';

/** Every object of a process, built in one place. */
export type Graph = ReturnType<typeof buildGraph>;

export function buildGraph(settings: GraphSettings) {
  const { config, capabilities = selectCapabilities(settings.config.LONGWATCH_CAPABILITIES) } = settings;
  const combined = combine(capabilities);
  const base = buildProcess(settings, combined);
  const { services, store, notificationStore, encryption, events, target, starts } = base;
  const { logger, metrics, temporal, dynamodb, onFault, startOnce } = services;
  const instances = capabilities.map((capability) =>
    capability.build(services as never, new capability.metrics(metrics.registry)),
  );
  const kinds = [...starts, ...instances.flatMap((instance) => instance.outboxKinds ?? [])];
  const outbox = new Outbox(store, kinds);
  base.connect(outbox);
  const { platform, standing, schedules, consumers, overview, readiness } = buildPlatform(services, {
    ...settings,
    store,
    outbox,
    kinds,
    notificationStore,
    combined,
    instances,
    events,
  });
  const all = [platform, ...instances];
  const listeners = instances.flatMap((instance) => instance.listeners ?? []);

  return {
    logger,
    metrics,
    temporal,
    target,
    outbox,
    consumers,
    onFault,
    readiness,
    combined,
    routes: [
      ...platform.routes,
      ...instances.flatMap(({ routes }, i) => withRequestIds(routes, capabilities[i]?.requestIds)),
      ...(encryption?.routes ?? []),
    ],
    activities: Object.assign({}, ...all.map((instance) => instance.activities)) as Readonly<Record<string, object>>,
    /** Event handlers of Lambda functions that read no stream. */
    handlers: Object.assign({}, ...instances.map((instance) => instance.handlers)) as NonNullable<
      CapabilityInstance['handlers']
    >,
    reconcileEveryMs: config.LONGWATCH_RECONCILE_EVERY_MS,

    /**
     * Creates tables that are missing, and what capabilities need in them.
     * @param tables `update` also adds what a version before this one did not have; `check` reports it as an error.
     * @throws TableMismatchError
     */
    async prepareStores(tables: 'check' | 'update' = 'check'): Promise<void> {
      if (tables === 'update') await updateTables(dynamodb, config.LONGWATCH_TABLE_PREFIX, combined.tables);
      await prepareTables(dynamodb, config.LONGWATCH_TABLE_PREFIX, combined.tables);
      for (const instance of instances) await instance.prepare?.();
    },

    /** Loads what requests need in memory (rule sets, models), and keeps it current in the background. */
    load: async () => void (await Promise.all(instances.map((instance) => instance.load?.()))),

    /** Opens connections and runs once what the first request would otherwise wait for, past its deadline. */
    warmUp: async () => void (await Promise.all(instances.map((instance) => instance.warmUp?.()))),

    /** Starts the listeners of the queues that this process serves. */
    startListening(served: readonly string[]): void {
      for (const { queue, start } of listeners) if (served.includes(queue)) start();
    },

    /** Writes what this process has counted in memory. */
    flush: async () => void (await Promise.all(instances.map((instance) => instance.flush?.()))),

    /** Starts the standing workflows and creates the schedules; called by every process with workers. */
    async startStandingWorkflows(): Promise<void> {
      await temporal.ensureSearchAttributes();
      for (const one of standing) await startOnce(one);
      for (const { scheduleId, cron, action } of schedules) await temporal.ensureSchedule(scheduleId, cron, action);
    },

    /**
     * Starts the reconciler if it does not run. The reconciler restarts every other workflow, so every worker restarts
     * the reconciler.
     */
    keepReconciler: () => startOnce(reconcilerWorkflow),

    /** Ends event streams, so that a stopping server need not wait for their readers. */
    endStreams: () => overview.endStreams(),

    async close(): Promise<void> {
      overview.close();
      await Promise.all(listeners.map((listener) => listener.stop()));
      await Promise.all(instances.map((instance) => instance.close?.()));
      await outbox.drain(5_000);
      await temporal.close();
      dynamodb.destroy();
    },
  };
}

const withRequestIds = (routes: readonly AnyRoute[], requestIds: RequestIds | undefined): readonly AnyRoute[] =>
  requestIds ? routes.map((one) => ({ ...one, requestIds })) : routes;
