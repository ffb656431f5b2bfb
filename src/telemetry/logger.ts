import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger, pino } from 'pino';
import { currentIds } from './ids';

/** Minimum level of the log lines that are written. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * Returns the process's logger. It writes JSON lines with the ids of the current work and, if the work is traced, those
 * of its trace.
 */
export function openLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const settings = { level, base: { name: 'longwatch' }, mixin: () => ({ ...currentIds(), ...traceIds() }) };
  return destination ? pino(settings, destination) : pino(settings);
}

/** Ids of the current trace, under OpenTelemetry's names for logs. */
function traceIds(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
