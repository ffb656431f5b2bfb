import type { Logger as TemporalLogger, LogMetadata } from '@temporalio/common';
import { type BufferedMetricUpdate, DefaultLogger, MetricsBuffer, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { LogLevel } from '../telemetry/logger';

/** The receivers of the SDK's log lines and metrics. */
export interface RuntimeTelemetry {
  /** Receives the SDK's log lines; without it they are written to stderr as text. */
  logger: Logger;
  /** Receives the SDK's metrics every second. */
  onMetrics(updates: Iterable<BufferedMetricUpdate>): void;
}

/** Temporal's log level for each of this process; Temporal has no silent level. */
const levels = { trace: 'DEBUG', debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR', silent: 'ERROR' } as const;
const DRAIN_MS = 1_000;
/** Metric updates buffered between two reads; enough for a second of full load. The SDK drops more, and logs that. */
const BUFFER = 100_000;

/** Installs the SDK's runtime, once per process before the first worker. It disables the SDK's signal handlers. */
export function installRuntime(logLevel: LogLevel, telemetry?: RuntimeTelemetry): void {
  if (!telemetry) return void Runtime.install({ shutdownSignals: [], logger: new DefaultLogger(levels[logLevel]) });
  const buffer = new MetricsBuffer({ maxBufferSize: BUFFER, useSecondsForDurations: true });
  Runtime.install({
    shutdownSignals: [],
    logger: structured(telemetry.logger, logLevel),
    // Below INFO the SDK's core logs every poll, and tasks with their payloads, which must not be logged.
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
 * Converts the SDK's log lines to this process's format, with the ids and the error only. The SDK's trace lines contain
 * tasks with their payloads, which must not be logged, so level `trace` becomes `debug`.
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

/** Names of the SDK's fields that differ from this process's names. */
const renamed: Readonly<Record<string, string | undefined>> = {
  workflowRunId: 'runId',
  activityType: 'activity',
  error: 'err',
};
/** Fields of the SDK without useful information. */
const leftOut = new Set(['namespace', 'taskToken', 'isLocal', 'activityId', 'sdkComponent', 'options']);

function fields(meta: LogMetadata): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(meta).flatMap(([name, value]) => (leftOut.has(name) ? [] : [[renamed[name] ?? name, value]])),
  );
}
