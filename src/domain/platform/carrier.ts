/**
 * What one process tells the next about the work that they share: the ids of its trace, as W3C Trace Context writes
 * them, and the id of the request that caused it. Kept with owed starts, sent in the headers of workflows and
 * activities.
 */
export interface Carrier {
  /** `00-<trace id>-<span id>-<flags>`; absent where nothing is traced. */
  traceparent?: string;
  tracestate?: string;
  requestId?: string;
}

/**
 * The header that Temporal's own interceptors use, in every language, so that theirs and ours understand each other.
 */
export const CARRIER_HEADER = '_tracer-data';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * The parts of a `traceparent`; undefined for one that is not valid.
 * https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function parseTraceparent(
  text: string | undefined,
): { traceId: string; spanId: string; sampled: boolean } | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text ?? '') ?? [];
  if (!traceId || !spanId || !flags || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/**
 * The span of a workflow's run: half of the run's UUID. Every worker that takes up the run finds the same one, without
 * randomness and without keeping anything.
 */
export function spanIdOfRun(runId: string): string {
  return runId.replace(/-/g, '').slice(16, 32).toLowerCase();
}

/** What a run's activities and children are told: the same trace and request, the run as the parent. */
export function carrierOfRun(carrier: Carrier, runId: string): Carrier {
  const parent = parseTraceparent(carrier.traceparent);
  if (!parent) return carrier;
  return { ...carrier, traceparent: `00-${parent.traceId}-${spanIdOfRun(runId)}-${parent.sampled ? '01' : '00'}` };
}
