import { context, propagation, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { hrTime, type PastSpan, recordPastSpansBy } from './runs';

/** Name and version of the service in traces, and the encoding of OTLP. */
export interface TracingSettings {
  serviceName: string;
  serviceVersion: string;
  protocol: 'http/protobuf' | 'http/json';
}

/** Tracing that has started. */
export interface Tracing {
  /** Exports the remaining spans, within the exporter's timeout. */
  stop(): Promise<void>;
}

/**
 * Starts OpenTelemetry's SDK, which exports spans to a collector by OTLP over HTTP. The SDK reads endpoint, headers,
 * sampler, batching and resource attributes from OpenTelemetry's own variables:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export function startOtlp({ serviceName, serviceVersion, protocol }: TracingSettings): Tracing {
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': serviceName, 'service.version': serviceVersion }))
    .merge(detectResources({ detectors: [envDetector] }));
  const processor = new BatchSpanProcessor(protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter());
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  recordPastSpansBy((span) => processor.onEnd(readable(span, resource)));
  return {
    async stop() {
      recordPastSpansBy(undefined);
      await provider.shutdown().catch(() => undefined); // An unavailable collector must not block the shutdown.
    },
  };
}

function readable(
  { name, traceId, spanId, parentSpanId, startedAt, endedAt, attributes, failed }: PastSpan,
  resource: ReadableSpan['resource'],
): ReadableSpan {
  const spanContext = { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
  return {
    name,
    kind: SpanKind.INTERNAL,
    spanContext: () => spanContext,
    parentSpanContext: { traceId, spanId: parentSpanId, traceFlags: TraceFlags.SAMPLED, isRemote: true },
    startTime: hrTime(startedAt),
    endTime: hrTime(endedAt),
    duration: hrTime(Math.max(0, endedAt - startedAt)),
    status: { code: failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: { ...attributes },
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: 'longwatch' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}
