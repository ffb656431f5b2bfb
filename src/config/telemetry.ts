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
      'Port of /healthz, /readyz and /metrics of `npm run worker`. Default: 9464, or another free port if ' +
        'that is taken',
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: url
    .optional()
    .describe('Traces: URL of the collector for OTLP over HTTP, for example http://127.0.0.1:4318. Default: no traces'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url
    .optional()
    .describe('Traces: full URL for traces at the collector, in place of OTEL_EXPORTER_OTLP_ENDPOINT with /v1/traces'),
  OTEL_EXPORTER_OTLP_PROTOCOL: z
    .enum(['http/protobuf', 'http/json'])
    .default('http/protobuf')
    .describe('Traces: encoding of OTLP'),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .optional()
    .describe('Traces: request headers for the collector, as name=value,…'),
  OTEL_SERVICE_NAME: z.string().default('longwatch').describe('Traces: name of this service'),
  OTEL_TRACES_SAMPLER: z
    .enum(samplers)
    .default('parentbased_always_on')
    .describe('Traces: sampler; the parentbased samplers follow the caller’s traceparent header if there is one'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Traces: sampled share for the …traceidratio samplers, 0 to 1'),
  OTEL_SDK_DISABLED: flag.describe('Traces: true: no traces, even with an endpoint'),
};
