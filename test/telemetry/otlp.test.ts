import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parse } from 'protobufjs';
import { startCollector } from '../support/otlp';

/** The part of OTLP 1.x that is looked at: https://github.com/open-telemetry/opentelemetry-proto */
const { root } = parse(`syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; } }
message ScopeSpans { repeated Span spans = 2; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
}`);

interface Decoded {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: {
      spans: {
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        name: string;
        startTimeUnixNano: string;
        endTimeUnixNano: string;
      }[];
    }[];
  }[];
}

it('a process that does not trace does not load OpenTelemetry’s SDK', async () => {
  const list =
    "require('./src/graph'); require('./src/workers'); require('./src/telemetry/tracing'); " +
    'console.log(JSON.stringify(Object.keys(require.cache)))';
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '-e', list], {
    env: { ...process.env, NODE_OPTIONS: '' },
    maxBuffer: 2 ** 26,
  });
  const packages = new Set(
    (JSON.parse(stdout) as string[]).flatMap((path) => /node_modules\/(@opentelemetry\/[^/]+)/.exec(path)?.[1] ?? []),
  );
  expect([...packages]).toEqual(['@opentelemetry/api']);
});

it('spans leave as protobuf unless JSON is asked for, a run’s with the id and the times it was given', async () => {
  const collector = await startCollector();
  const run = {
    name: 'RunWorkflow:cart',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentSpanId: '00f067aa0ba902b7',
  };
  const span = { ...run, startedAt: 1_700_000_000_123, endedAt: 1_700_000_259_123, attributes: {}, failed: false };
  await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'test/support/tracedProcess.ts', JSON.stringify(span)],
    {
      env: { ...process.env, NODE_OPTIONS: '', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    },
  );
  await collector.close();

  expect(collector.bodies.map(({ type }) => type)).toEqual(['application/x-protobuf']);
  const type = root.lookupType('Request');
  const { resourceSpans } = type.toObject(type.decode(collector.bodies[0]!.body), {
    bytes: String,
    longs: String,
  }) as Decoded;
  const attributes = Object.fromEntries(
    resourceSpans[0]!.resource.attributes.map(({ key, value }) => [key, value.stringValue]),
  );
  expect(attributes).toMatchObject({ 'service.name': 'shop', 'service.version': '1.2.3' });
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  expect(spans.map(({ name }) => name).sort()).toEqual(['RunWorkflow:cart', 'broken work', 'work']);
  const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
  expect(spans.find(({ name }) => name === run.name)).toMatchObject({
    traceId: base64(run.traceId),
    spanId: base64(run.spanId),
    parentSpanId: base64(run.parentSpanId),
    startTimeUnixNano: '1700000000123000000',
    endTimeUnixNano: '1700000259123000000',
  });
  // Messages of errors may hold anything.
  expect(collector.bodies[0]!.body.includes('of ada')).toBe(false);
});
