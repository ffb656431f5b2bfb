import type * as otlp from './otlp';

export type { Tracing } from './otlp';

/** Begins to trace. The SDK is loaded here and not before: a process that does not trace does without it. */
export function startTracing(settings: otlp.TracingSettings): otlp.Tracing {
  const { startOtlp } = require('./otlp') as typeof otlp;
  return startOtlp(settings);
}
