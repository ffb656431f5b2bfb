import { z } from 'zod';
import { flag, url } from './values';

const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** Settings of the worker's metrics port, and of traces under OpenTelemetry's own variable names. */
export const telemetrySettings = {
  LONGWATCH_WORKER_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe(
      'Port of /healthz, /readyz and /metrics of `npm run worker`; without it 9464 where that is free, else one ' +
        'that is',
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: url
    .optional()
    .describe(
      'Traces: the collector that takes OTLP over HTTP, for example http://127.0.0.1:4318; without it nothing is ' +
        'traced',
    ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url
    .optional()
    .describe('Traces: the full address of the collector’s traces, in place of the one above with /v1/traces'),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .enum(['http/protobuf', 'http/json'])
    .default('http/protobuf')
    .describe('Traces: encoding of OTLP'),
  OTEL_EXPORTER_OTLP_HEADERS: z.string().optional().describe('Traces: headers for the collector, as name=value,…'),
  OTEL_SERVICE_NAME: z.string().default('longwatch').describe('Traces: name of this service'),
  OTEL_TRACES_SAMPLER: z
    .enum(samplers)
    .default('parentbased_always_on')
    .describe('Traces: which are recorded; the parentbased ones follow the caller’s traceparent where it sends one'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Traces: share of the …traceidratio samplers, 0 to 1'),
  OTEL_SDK_DISABLED: flag.describe('Traces: true: none, whatever the endpoint'),
};
