import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { endApi, type RunningApi, startApi } from '../support/api';
import { bearer, NOWHERE, startTestGraph, type TestGraph } from '../support/graph';
import { type Collector, type ReceivedSpan, startCollector } from '../support/otlp';
import { eventually } from '../support/stack';
import { startTestTemporal, type TestTemporal } from '../support/temporal';
import { built } from '../support/built';

/** API and worker are processes of their own, and the API has no Temporal: what it owes, the worker's relay starts. */
let temporal: TestTemporal;
let graph: TestGraph;
let collector: Collector;
let api: RunningApi;
let worker: ChildProcess;
let health: string;

beforeAll(async () => {
  [temporal, collector] = await Promise.all([startTestTemporal(), startCollector()]);
  graph = await startTestGraph({}, temporal.address);
  const environment = { ...graph.environment, LONGWATCH_LOG_LEVEL: 'error', ...collector.environment };
  api = await startApi({ ...environment, TEMPORAL_ADDRESS: NOWHERE, OTEL_SERVICE_NAME: 'the-api' });
  worker = spawn(process.execPath, [built('src/main.ts'), 'worker'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...environment,
      NODE_OPTIONS: '',
      OTEL_SERVICE_NAME: 'the-worker',
      LONGWATCH_WORKER_PORT: '0',
    },
  });
  let output = '';
  worker.stdout!.on('data', (part: Buffer) => (output += part.toString()));
  await eventually(async () => worker.exitCode !== null || /health and metrics: at (http\S+)/.test(output), Boolean);
  health = /health and metrics: at (http\S+)/.exec(output)?.[1] ?? '';
}, 900_000);
afterAll(async () => {
  if (api) await endApi(api);
  worker?.kill('SIGKILL');
  await graph?.stop();
  await temporal?.stop();
  await collector?.close();
});

const id = (bytes: number) => randomBytes(bytes).toString('hex');
const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
  const [name, value] = bearer('service');
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: { [name]: value, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  expect(response.status).toBeLessThan(300);
  return response;
};
async function post(headers: Record<string, string>): Promise<string> {
  const author = `ada-${id(4)}`;
  for (const userId of [author, `ben-${author}`])
    await call('PUT', `/v1/users/${userId}`, { name: 'Somebody' }, { traceparent: `00-${id(16)}-${id(8)}-00` });
  await call('PUT', `/v1/users/ben-${author}/following/${author}`, undefined, {
    traceparent: `00-${id(16)}-${id(8)}-00`,
  });
  const postId = `p-${id(4)}`;
  await call('POST', '/v1/posts', { authorId: author, postId, text: 'Hello' }, headers);
  return postId;
}
const named = (traceId: string, name: RegExp) => (span: ReceivedSpan) =>
  span.traceId === traceId && name.test(span.name);

it('a start that the relay of another process pays later goes on with the request’s trace', async () => {
  const traceId = id(16);
  const callersSpan = id(8);
  await post({ traceparent: `00-${traceId}-${callersSpan}-01` });
  const run = await collector.find(named(traceId, /^RunWorkflow:fanOut$/));
  const activity = await collector.find(
    (span) => named(traceId, /^RunActivity:/)(span) && span.parentSpanId === run.spanId,
  );
  const write = await collector.find(
    (span) => named(traceId, /^DynamoDB /)(span) && span.parentSpanId === activity.spanId,
  );
  const request = await collector.find(named(traceId, /^POST \/v1\/posts$/));
  const start = collector.parentOf(run)!;
  expect(start.name).toBe('temporal StartWorkflow');
  expect(collector.parentOf(start)?.spanId).toBe(request.spanId);
  expect(request.parentSpanId).toBe(callersSpan);
  expect([request, start, run, activity, write].map(({ resource }) => resource['service.name'])).toEqual([
    'the-api',
    'the-worker',
    'the-worker',
    'the-worker',
    'the-worker',
  ]);
  // The API tried, and failed: its attempt is in the trace, too.
  const starts = named(traceId, /^temporal StartWorkflow$/);
  await collector.find((span) => starts(span) && span.resource['service.name'] === 'the-api');
  expect(collector.spans.filter(starts).map(({ resource }) => resource['service.name'])).toEqual(
    expect.arrayContaining(['the-api', 'the-worker']),
  );
});

it('what the caller does not sample is not recorded, nor is what it leads to', async () => {
  const traceId = id(16);
  await post({ traceparent: `00-${traceId}-${id(8)}-00` });
  const recorded = id(16);
  await post({ traceparent: `00-${recorded}-${id(8)}-01` });
  // The later one is over: the earlier one would be there.
  await collector.find(named(recorded, /^RunWorkflow:fanOut$/));
  expect(collector.spans.filter((span) => span.traceId === traceId)).toEqual([]);
});

it('a worker without an API tells its health and its metrics', async () => {
  const read = async (path: string) => {
    const response = await fetch(`${health}${path}`);
    return { status: response.status, text: await response.text() };
  };
  expect(await read('/healthz')).toEqual({ status: 200, text: '{"status":"ok"}' });
  const { text } = await eventually(
    () => read('/readyz'),
    ({ status }) => status === 200,
  );
  expect(JSON.parse(text)).toEqual({ status: 'ready', dynamodb: 'ok', temporal: 'ok', worker: 'ok' });
  const metrics = (
    await eventually(
      () => read('/metrics'),
      (answer) => answer.text.includes('temporal_num_pollers{'),
    )
  ).text;
  for (const name of [
    'longwatch_stream_lag_seconds{stream=',
    'longwatch_ledger_oldest_seconds{kind="start"}',
    'temporal_workflow_completed_total{task_queue="longwatch-feeds",workflow_type="fanOut"}',
  ])
    expect(metrics).toContain(name);
  expect((await read('/v1/rules')).status).toBe(404);
});
