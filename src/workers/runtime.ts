import type { Logger as TemporalLogger, LogMetadata } from '@temporalio/common';
import { type BufferedMetricUpdate, DefaultLogger, MetricsBuffer, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { LogLevel } from '../telemetry/logger';

export interface RuntimeTelemetry {
  /** Takes the SDK's lines; otherwise they go to stderr as text. */
  logger: Logger;
  /** Takes what the SDK measured, every second. */
  onMetrics(updates: Iterable<BufferedMetricUpdate>): void;
}

/** Temporal's levels; it has none that is silent. */
const levels = { trace: 'DEBUG', debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR', silent: 'ERROR' } as const;
const DRAIN_MS = 1_000;
/** What a second of full load may add: beyond it the SDK drops measurements and says so. */
const BUFFER = 100_000;

/** Once a process, before the first worker: our own shutdown order, not the SDK's signal handlers. */
export function installRuntime(logLevel: LogLevel, telemetry?: RuntimeTelemetry): void {
  if (!telemetry) return void Runtime.install({ shutdownSignals: [], logger: new DefaultLogger(levels[logLevel]) });
  const buffer = new MetricsBuffer({ maxBufferSize: BUFFER, useSecondsForDurations: true });
  Runtime.install({
    shutdownSignals: [],
    logger: structured(telemetry.logger, logLevel),
    // Core debugs itself: a line for every poll, and tasks with their payloads, which belong in no log.
    telemetryOptions: {
      logging: {
        filter: { core: logLevel === 'debug' || logLevel === 'trace' ? 'INFO' : levels[logLevel], other: 'ERROR' },
        forward: {},
      },
      metrics: { buffer },
    },
  });
  setInterval(() => telemetry.onMetrics(buffer.retrieveUpdates()), DRAIN_MS).unref();
}

/**
 * The SDK's lines as ours: the ids that say what a line is about, its error, and none of the rest. Its trace lines hold
 * whole tasks with their payloads, which belong in no log: it is heard from debug on.
 */
function structured(logger: Logger, least: LogLevel): TemporalLogger {
  const child = logger.child({}, { level: least === 'trace' ? 'debug' : least });
  const write = (level: 'trace' | 'debug' | 'info' | 'warn' | 'error', message: string, meta: LogMetadata = {}) =>
    child[level](fields(meta), message);
  return {
    log: (level, message, meta) => write(level.toLowerCase() as 'info', message, meta),
    trace: (message, meta) => write('trace', message, meta),
    debug: (message, meta) => write('debug', message, meta),
    info: (message, meta) => write('info', message, meta),
    warn: (message, meta) => write('warn', message, meta),
    error: (message, meta) => write('error', message, meta),
  };
}

/** Names of the SDK's fields that are called otherwise here, and fields that say nothing. */
const renamed: Readonly<Record<string, string | undefined>> = {
  workflowRunId: 'runId',
  activityType: 'activity',
  error: 'err',
};
const leftOut = new Set(['namespace', 'taskToken', 'isLocal', 'activityId', 'sdkComponent', 'options']);

function fields(meta: LogMetadata): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(meta).flatMap(([name, value]) => (leftOut.has(name) ? [] : [[renamed[name] ?? name, value]])),
  );
}
