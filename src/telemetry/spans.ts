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
 * The tracer. OpenTelemetry's API does nothing until `startTracing` installs the SDK. Span attributes are names of
 * operations, tables, routes and kinds. They never contain input or ids of callers, and of an error only its type.
 */
const tracer = trace.getTracer('longwatch');

/** Kind and attributes of a span. */
export interface SpanSettings {
  kind?: SpanKind;
  attributes?: Attributes;
  /** Returns whether an error is a fault. Default: every error. For example, a lost race is none. */
  isFault?(error: unknown): boolean;
}

/**
 * Runs work in a child span of the current trace. Without a trace, just runs it, so periodic background work is not
 * traced.
 */
export function childSpan<T>(name: string, settings: SpanSettings, work: () => Promise<T>): Promise<T> {
  return trace.getActiveSpan() === undefined ? work() : spanIn(context.active(), name, settings, work);
}

/** Runs work in the first span of this process: under `parent` if another process sent it, otherwise in a new trace. */
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

/** Starts a span that its caller must end. */
export function openSpan(
  name: string,
  { kind = SpanKind.INTERNAL, attributes = {}, parent = ROOT_CONTEXT }: SpanSettings & { parent?: Context },
): { span: Span; context: Context } {
  const span = tracer.startSpan(name, { kind, attributes }, parent);
  return { span, context: trace.setSpan(parent, span) };
}

/** Marks a span as failed, with the type of the error. */
export function failSpan(span: Span, error: unknown): void {
  span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
