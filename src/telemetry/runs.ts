import type { HrTime } from '@opentelemetry/api';

/**
 * A span that is known only once it is over, with an id of its own choice: a workflow's run, which no process sees
 * whole.
 */
export interface PastSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  /** Epoch ms. */
  startedAt: number;
  endedAt: number;
  attributes: Readonly<Record<string, string>>;
  failed: boolean;
}

let recorder: ((span: PastSpan) => void) | undefined;

/** @param record where spans go from now on; set by whoever starts and ends tracing. */
export function recordPastSpansBy(record: typeof recorder): void {
  recorder = record;
}

/** Does nothing while nothing is traced. */
export function recordPastSpan(span: PastSpan): void {
  recorder?.(span);
}

export const hrTime = (epochMs: number): HrTime => [Math.trunc(epochMs / 1000), Math.round((epochMs % 1000) * 1e6)];
