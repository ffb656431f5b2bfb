import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  type NativeConnectionOptions,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { concurrentActivities, type Queue } from './queues';

export interface WorkersSettings {
  connection: NativeConnectionOptions;
  namespace: string;
  /** What each queue's activities are; queues without an entry are not served. */
  activities: Partial<Record<Queue, object>>;
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Milliseconds that activities have to finish on shutdown; default 5,000. */
  graceMs?: number;
  /** Worker deployment versioning, where the deployment uses it. */
  version?: { deploymentName: string; buildId: string };
  /** 0 runs every workflow task from history: slow, for tests. */
  maxCachedWorkflows?: number;
  /** Called when the workers poll, again after every reconnection. */
  onRunning?(): void;
  onFault(error: unknown): void;
}

export interface Workers {
  /** `starting` until every worker polls. */
  state(): 'starting' | 'ok';
  /** Stops polling, drains within the grace period, closes the connection. */
  shutdown(): Promise<void>;
}

/** Core's levels; it has none that is silent. */
const coreLevels = { trace: 'TRACE', debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR', silent: 'ERROR' } as const;

/** Once a process, before the first worker: our own shutdown order, not the SDK's signal handlers. */
export function installRuntime(logLevel: WorkersSettings['logLevel']): void {
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger(coreLevels[logLevel]) });
}

type Bundle = NonNullable<WorkerOptions['workflowBundle']>;
let bundling: Promise<Bundle> | undefined;

/** The workflow code, bundled once a process, or read from the file that the build made. */
function bundleOnce(): Promise<Bundle> {
  bundling ??= loadBundle();
  return bundling;
}

async function loadBundle(): Promise<Bundle> {
  const codePath = join(__dirname, '..', 'workflow-bundle.js');
  if (existsSync(codePath)) return { codePath };
  return bundleWorkflowCode({
    workflowsPath: require.resolve('../workflows'),
    logger: new DefaultLogger('WARN'),
  });
}

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
    const bundle = await bundleOnce();
    for (let pause = 500; !stop.signal.aborted; pause = Math.min(pause * 2, 10_000)) {
      let runs: Promise<void>[] = [];
      try {
        connection = await NativeConnection.connect(settings.connection);
        live = await createWorkers(settings, connection, bundle);
        runs = live.map((worker) => worker.run());
        state = 'ok';
        settings.onRunning?.();
        pause = 500;
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
      if (!stop.signal.aborted) await sleep(pause, undefined, { signal: stop.signal }).catch(() => undefined); // Woken by shutdown.
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

function createWorkers(settings: WorkersSettings, connection: NativeConnection, workflowBundle: Bundle): Promise<Worker[]> {
  const graceMs = settings.graceMs ?? 5_000;
  return Promise.all(
    Object.entries(settings.activities).map(([taskQueue, activities]) =>
      Worker.create({
        connection,
        namespace: settings.namespace,
        taskQueue,
        workflowBundle,
        activities,
        shutdownGraceTime: graceMs,
        shutdownForceTime: graceMs + 5_000,
        maxCachedWorkflows: settings.maxCachedWorkflows ?? 500,
        maxConcurrentActivityTaskExecutions: concurrentActivities[taskQueue as Queue],
        // Long activities of the relay and of shards report their position this often at most.
        maxHeartbeatThrottleInterval: '20 s',
        ...(settings.version && {
          workerDeploymentOptions: {
            version: settings.version,
            useWorkerVersioning: true,
            defaultVersioningBehavior: 'AUTO_UPGRADE' as const,
          },
        }),
      }),
    ),
  );
}
