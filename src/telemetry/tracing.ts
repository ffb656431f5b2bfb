import type * as otlp from './otlp';

export type { Tracing } from './otlp';

/** Starts tracing. Loads OpenTelemetry's SDK only now, so that a process without tracing never loads it. */
export function startTracing(settings: otlp.TracingSettings): otlp.Tracing {
  const { startOtlp } = require('./otlp') as typeof otlp;
  return startOtlp(settings);
}
