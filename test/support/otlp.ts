import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './stack';

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Record<string, unknown>;
  status: { code?: number };
  /** `service.name` and so on, of the process that sent it. */
  resource: Record<string, unknown>;
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}
interface Batch {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { spans: (Omit<ReceivedSpan, 'attributes' | 'resource'> & { attributes: Attribute[] })[] }[];
  }[];
}

const plain = (attributes: Attribute[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

export interface Collector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string;
  environment: Record<string, string>;
  spans: ReceivedSpan[];
  /** What came, byte for byte. */
  bodies: { type: string; body: Buffer }[];
  /** Waits until a span is there that is as wanted; the test's own timeout bounds it. */
  find(wanted: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan>;
  parentOf(span: ReceivedSpan): ReceivedSpan | undefined;
  close(): Promise<void>;
}

/** Takes traces by OTLP over HTTP, in JSON, as a collector does. */
export async function startCollector(): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const bodies: Collector['bodies'] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const type = request.headers['content-type'] ?? '';
      bodies.push({ type, body });
      if (type === 'application/json')
        for (const { resource, scopeSpans } of (JSON.parse(body.toString()) as Batch).resourceSpans)
          for (const scope of scopeSpans)
            for (const span of scope.spans)
              spans.push({ ...span, attributes: plain(span.attributes), resource: plain(resource.attributes) });
      // An empty message is a success in either encoding.
      response
        .writeHead(request.url === '/v1/traces' ? 200 : 404, { 'content-type': type })
        .end(type === 'application/json' ? '{}' : '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '200',
    },
    spans,
    bodies,
    async find(wanted) {
      return (await eventually(
        async () => spans.find(wanted),
        (found) => found !== undefined,
      ))!;
    },
    parentOf: ({ traceId, parentSpanId }) =>
      spans.find((span) => span.traceId === traceId && span.spanId === parentSpanId),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
