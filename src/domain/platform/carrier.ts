/**
 * The context that one process passes to the next: the trace in the form of W3C Trace Context, and the id of the
 * request. Outbox entries store it; the headers of workflows and activities carry it.
 */
export interface Carrier {
  /** `00-<trace id>-<span id>-<flags>`; absent without a trace. */
  traceparent?: string;
  tracestate?: string;
  requestId?: string;
}

/**
 * The name of the header. Temporal's own interceptors use the same name in every language, so that traces continue
 * between their code and this code.
 */
export const CARRIER_HEADER = '_tracer-data';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * Parses a `traceparent`; returns undefined for an invalid one.
 * Source: https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function parseTraceparent(
  text: string | undefined,
): { traceId: string; spanId: string; sampled: boolean } | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text ?? '') ?? [];
  if (!traceId || !spanId || !flags || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/**
 * Returns the span id of a workflow's run: half of the run's UUID. Every worker that continues the run computes the
 * same id, without randomness and without stored state.
 */
export function spanIdOfRun(runId: string): string {
  return runId.replace(/-/g, '').slice(16, 32).toLowerCase();
}

/** Returns the carrier for a run's activities and child workflows: the same trace and request, the run as parent. */
export function carrierOfRun(carrier: Carrier, runId: string): Carrier {
  const parent = parseTraceparent(carrier.traceparent);
  if (!parent) return carrier;
  return { ...carrier, traceparent: `00-${parent.traceId}-${spanIdOfRun(runId)}-${parent.sampled ? '01' : '00'}` };
}
