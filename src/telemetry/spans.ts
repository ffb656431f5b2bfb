import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

export { SpanKind } from '@opentelemetry/api';

/**
 * Spans by OpenTelemetry's API, which does nothing until `startTracing` has given it the SDK. Attributes are names of
 * operations, tables, routes and kinds, never what callers sent and never an id of theirs; of an error its kind, not
 * its message.
 */
const tracer = trace.getTracer('longwatch');

export interface SpanSettings {
  kind?: SpanKind;
  attributes?: Attributes;
  /** Whether an error is a fault, as all are unless this says otherwise: a race that is lost is none. */
  isFault?(error: unknown): boolean;
}

/**
 * Work as a span of the trace that is under way; outside of one, just the work: what comes round by itself is not
 * traced.
 */
export function childSpan<T>(name: string, settings: SpanSettings, work: () => Promise<T>): Promise<T> {
  return trace.getActiveSpan() === undefined ? work() : spanIn(context.active(), name, settings, work);
}

/**
 * Work as the first span of a trace here: under the one of another process where `parent` names it, else of a new
 * trace.
 */
export function entrySpan<T>(
  name: string,
  settings: SpanSettings & { parent?: Context },
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return spanIn(settings.parent ?? ROOT_CONTEXT, name, settings, work);
}

function spanIn<T>(
  parent: Context,
  name: string,
  { kind = SpanKind.INTERNAL, attributes = {}, isFault }: SpanSettings,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return tracer.startActiveSpan(name, { kind, attributes }, parent, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      if (isFault?.(error) ?? true) failSpan(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Starts a span that its owner ends. */
export function openSpan(
  name: string,
  { kind = SpanKind.INTERNAL, attributes = {}, parent = ROOT_CONTEXT }: SpanSettings & { parent?: Context },
): { span: Span; context: Context } {
  const span = tracer.startSpan(name, { kind, attributes }, parent);
  return { span, context: trace.setSpan(parent, span) };
}

export function failSpan(span: Span, error: unknown): void {
  span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
