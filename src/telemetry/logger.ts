import { isSpanContextValid, trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger, pino } from 'pino';
import { currentIds } from './ids';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * The process's log: JSON lines, each with the ids of the work that it is about and of its trace, where one is
 * recorded.
 */
export function openLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const settings = { level, base: { name: 'longwatch' }, mixin: () => ({ ...currentIds(), ...traceIds() }) };
  return destination ? pino(settings, destination) : pino(settings);
}

/** Under the names that OpenTelemetry gives them in logs. */
function traceIds(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
