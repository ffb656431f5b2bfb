import type { HrTime } from '@opentelemetry/api';

/**
 * A span that is recorded only after it has ended, with a span id chosen by the caller: a workflow's run, which may
 * span several processes.
 */
export interface PastSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  /** Epoch ms, as `endedAt`. */
  startedAt: number;
  endedAt: number;
  attributes: Readonly<Record<string, string>>;
  failed: boolean;
}

let recorder: ((span: PastSpan) => void) | undefined;

/** Sets the function that records past spans; undefined stops it. Called when tracing starts and stops. */
export function recordPastSpansBy(record: typeof recorder): void {
  recorder = record;
}

/** Records a past span; does nothing if tracing is off. */
export function recordPastSpan(span: PastSpan): void {
  recorder?.(span);
}

/** Converts epoch ms to OpenTelemetry's pair of seconds and nanoseconds. */
export const hrTime = (epochMs: number): HrTime => [Math.trunc(epochMs / 1000), Math.round((epochMs % 1000) * 1e6)];
