import { context, propagation, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { hrTime, type PastSpan, recordPastSpansBy } from './runs';

export interface TracingSettings {
  serviceName: string;
  serviceVersion: string;
  protocol: 'http/protobuf' | 'http/json';
}

export interface Tracing {
  /** Sends what is left, within the exporter's timeout. */
  stop(): Promise<void>;
}

/**
 * OpenTelemetry's SDK, with spans to a collector by OTLP over HTTP. Endpoint, headers, sampler, batches and resource
 * attributes are read by the SDK from the variables that OpenTelemetry specifies.
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
      await provider.shutdown().catch(() => undefined); // A collector that is away must not hold up the end.
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
