import type { DataConverter } from '@temporalio/common';
import { NativeConnection, type NativeConnectionOptions, Worker } from '@temporalio/worker';
import type { LogLevel } from '../telemetry/logger';
import { type Backoff, backoffMs } from '../domain/platform/backoff';
import type { WorkflowIds } from '../domain/platform/workflowSubjects';
import { systemClock } from '../timing/clock';
import { type Bundle, type BundleError, bundleOnce } from './bundle';
import { workerTelemetry } from './interceptors';
import type { Queues } from './queues';

export { installRuntime } from './runtime';

export interface WorkersSettings {
  connection: NativeConnectionOptions;
  namespace: string;
  /** Encrypts payloads, where that is configured. */
  dataConverter?: DataConverter;
  /** What each queue's activities are; queues without an entry are not served. */
  activities: Readonly<Record<string, object>>;
  /** What each queue needs of a worker. */
  queues: Queues;
  /** Modules that export the workflows. */
  workflowsPaths(): string[];
  /** What the parts of a workflow id are, by its first part, for log lines. */
  workflowIds: WorkflowIds;
  logLevel: LogLevel;
  /**
   * Milliseconds that activities have to finish on shutdown, before they are given up and left to another worker;
   * default 10,000.
   */
  graceMs?: number;
  /** Worker deployment versioning, where the deployment uses it. */
  version?: { deploymentName: string; buildId: string; behavior: 'AUTO_UPGRADE' | 'PINNED' };
  /** File of the workflows, bundled before; default the build's, where there is one. */
  bundlePath?: string | undefined;
  /** 0 runs every workflow task from history: slow, for tests. */
  maxCachedWorkflows?: number;
  /** Called before each attempt to connect. */
  onConnecting?(): void;
  /** Called when the workers poll, again after every reconnection. */
  onRunning?(): void;
  onFault(error: unknown): void;
  /** Told when the workflows cannot be bundled or read: no retry helps, and these workers never run. */
  onBroken(error: BundleError): void;
}

export interface Workers {
  /** `starting` until every worker polls. */
  state(): 'starting' | 'ok';
  /** Stops polling, drains within the grace period, closes the connection. */
  shutdown(): Promise<void>;
}

/** While Temporal is away, with jitter so that a fleet's workers do not all come back at once. */
const RECONNECTING: Backoff = { firstMs: 1_000, lastMs: 20_000 };

/**
 * Serves the queues, and goes on trying while Temporal is away: the process answers requests meanwhile.
 * Bundling the workflows takes seconds, so it begins at once.
 */
export function startWorkers(settings: WorkersSettings): Workers {
  let state: 'starting' | 'ok' = 'starting';
  let live: Worker[] = [];
  let connection: NativeConnection | undefined;
  const stop = new AbortController();

  const serve = async (): Promise<void> => {
    const bundle = await bundleOnce(
      settings.workflowsPaths,
      settings.bundlePath,
      settings.dataConverter?.failureConverterPath,
    ).catch((error: BundleError) => settings.onBroken(error));
    if (!bundle) return;
    for (let failures = 1; !stop.signal.aborted; failures++) {
      let runs: Promise<void>[] = [];
      try {
        settings.onConnecting?.();
        connection = await NativeConnection.connect(settings.connection);
        live = await createWorkers(settings, connection, bundle);
        runs = live.map((worker) => worker.run());
        state = 'ok';
        settings.onRunning?.();
        failures = 0;
        await Promise.all(runs);
      } catch (error) {
        settings.onFault(error);
        for (const worker of live) if (worker.getState() === 'RUNNING') worker.shutdown();
      } finally {
        state = 'starting';
        // A connection that is in use does not close; the workers' own bound ends them.
        await Promise.allSettled(runs);
        live = [];
        await connection?.close().catch(settings.onFault);
        connection = undefined;
      }
      // Woken by shutdown.
      await systemClock.sleep(backoffMs(RECONNECTING, failures), stop.signal).catch(() => undefined);
    }
  };
  const done = serve();
  done.catch(settings.onFault);

  return {
    state: () => state,
    async shutdown() {
      stop.abort();
      for (const worker of live) if (worker.getState() === 'RUNNING') worker.shutdown();
      await done;
    },
  };
}

/** On shutdown. */
const CANCEL_AFTER_MS = 2_000;

function createWorkers(
  settings: WorkersSettings,
  connection: NativeConnection,
  workflowBundle: Bundle,
): Promise<Worker[]> {
  const graceMs = settings.graceMs ?? 10_000;
  return Promise.all(
    Object.entries(settings.activities).map(([taskQueue, activities]) => {
      const queue = settings.queues[taskQueue];
      if (!queue) throw new TypeError(`No capability declares the queue ${taskQueue}`);
      return Worker.create({
        connection,
        namespace: settings.namespace,
        ...(settings.dataConverter && { dataConverter: settings.dataConverter }),
        taskQueue,
        workflowBundle,
        activities,
        ...workerTelemetry(settings.workflowIds),
        // Cancelled soon: those that work for long (readers of shards, the relay) end between two steps, and the
        // others,
        // which have one step, finish it.
        shutdownGraceTime: Math.min(CANCEL_AFTER_MS, Math.round(graceMs / 4)),
        shutdownForceTime: graceMs,
        maxCachedWorkflows: settings.maxCachedWorkflows ?? 500,
        maxConcurrentActivityTaskExecutions: queue.concurrentActivities,
        // Long activities of the relay and of shards report their position this often at most.
        maxHeartbeatThrottleInterval: '20 s',
        ...(settings.version && {
          workerDeploymentOptions: {
            version: { deploymentName: settings.version.deploymentName, buildId: settings.version.buildId },
            useWorkerVersioning: true,
            defaultVersioningBehavior: queue.endless ? ('AUTO_UPGRADE' as const) : settings.version.behavior,
          },
        }),
      });
    }),
  );
}
