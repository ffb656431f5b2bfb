import type { DataConverter } from '@temporalio/common';
import { NativeConnection, type NativeConnectionOptions, Worker } from '@temporalio/worker';
import type { LogLevel } from '../telemetry/logger';
import { type Backoff, backoffMs } from '../domain/platform/backoff';
import type { WorkflowIds } from '../domain/platform/workflowSubjects';
import { systemClock } from '../timing/clock';
import { type Bundle, type BundleError, bundleOnce } from './bundle';
import { workerTelemetry } from './interceptors';
import type { Queues } from './selectQueues';

export { installRuntime } from './runtime';

/** The settings of a process's workers. */
export interface WorkersSettings {
  connection: NativeConnectionOptions;
  namespace: string;
  /** Encrypts payloads, if encryption is configured. */
  dataConverter?: DataConverter;
  /** The activities by queue; a queue without an entry is not served. */
  activities: Readonly<Record<string, object>>;
  /** The requirements of the queues. */
  queues: Queues;
  /** Returns the modules that export the workflows. */
  workflowsPaths(): string[];
  /** The meaning of the parts of workflow ids, for log lines. */
  workflowIds: WorkflowIds;
  logLevel: LogLevel;
  /**
   * Milliseconds in which activities can end on shutdown; then the process abandons them to another worker. Default
   * 10,000.
   */
  graceMs?: number;
  /** Worker deployment versioning, if the deployment uses it. */
  version?: { deploymentName: string; buildId: string; behavior: 'AUTO_UPGRADE' | 'PINNED' };
  /** The file of the workflow bundle; default the file of the build, if there is one. */
  bundlePath?: string | undefined;
  /** Number of cached workflows. 0 replays the history for every workflow task, which is slow; for tests. */
  maxCachedWorkflows?: number;
  /** Called before each attempt to connect. */
  onConnecting?(): void;
  /** Called when the workers poll, and after every reconnection. */
  onRunning?(): void;
  onFault(error: unknown): void;
  /** Called when the workflows cannot be bundled or read. A retry cannot help, so the workers never run. */
  onBroken(error: BundleError): void;
}

/** The workers of a process. */
export interface Workers {
  /** `starting` until every worker polls. */
  state(): 'starting' | 'ok';
  /** Stops polling, waits for activities within the grace period, and closes the connection. */
  shutdown(): Promise<void>;
}

/** The pauses while Temporal is unavailable. The jitter spreads the reconnections of a fleet's workers. */
const RECONNECTING: Backoff = { firstMs: 1_000, lastMs: 20_000 };

/**
 * Starts workers that serve the queues. While Temporal is unavailable they keep reconnecting, and the process answers
 * requests. Bundling the workflows takes seconds, so it begins before the connection.
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
        // A connection in use cannot be closed. The workers' own shutdown timeout limits this wait.
        await Promise.allSettled(runs);
        live = [];
        await connection?.close().catch(settings.onFault);
        connection = undefined;
      }
      // The shutdown aborts this pause.
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

/** Milliseconds after which a shutdown cancels activities. */
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
        ...(!queue.activitiesOnly && { workflowBundle }),
        activities,
        ...workerTelemetry(settings.workflowIds),
        // Cancelled soon: activities that run for long (shard readers, the outbox relay) end between two steps, and
        // activities of a single step still finish it.
        shutdownGraceTime: Math.min(CANCEL_AFTER_MS, Math.round(graceMs / 4)),
        shutdownForceTime: graceMs,
        maxCachedWorkflows: settings.maxCachedWorkflows ?? 500,
        maxConcurrentActivityTaskExecutions: queue.concurrentActivities,
        // The outbox relay and shard readers report their progress at most this often.
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
