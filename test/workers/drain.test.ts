import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { investigationId } from '../../src/domain/fraud/workflows';
import { workflowBundle } from '../support/bundle';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { merchantDecides } from '../support/merchantRules';
import { payment, type Payment } from '../support/payment';
import { type RunningProcess, startProcess } from '../support/process';
import { eventually } from '../support/stack';
import { startTestTemporal, type TestTemporal } from '../support/temporal';

let temporal: TestTemporal;
let bundle: { codePath: string };
let graph: TestGraph;
/** Where messages to people go: it answers when a test says so. */
let webhook: Server;
let held: ServerResponse[] = [];
const running: RunningProcess[] = [];

beforeAll(async () => {
  webhook = createServer((incoming, answer) => void incoming.resume().on('end', () => held.push(answer)));
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
  [temporal, bundle] = await Promise.all([startTestTemporal(), workflowBundle()]);
  graph = await startTestGraph(
    {
      LONGWATCH_WEBHOOK_URL: `http://127.0.0.1:${(webhook.address() as AddressInfo).port}`,
      LONGWATCH_DECISION_DEADLINE_MS: '60000',
      LONGWATCH_MODEL_DEADLINE_MS: '30000',
    },
    temporal.address,
  );
  await merchantDecides(graph.app);
}, 900_000);
afterAll(async () => {
  for (const { process } of running) process.kill('SIGKILL');
  await graph?.stop();
  await temporal?.stop();
  webhook?.closeAllConnections();
  webhook?.close();
});
beforeEach(() => {
  held = [];
  graph.model.behaviour = undefined;
});

function start(mode: 'api' | 'worker', environment: Record<string, string> = {}): RunningProcess {
  const started = startProcess(mode, {
    ...graph.environment,
    LONGWATCH_WORKFLOW_BUNDLE: bundle.codePath,
    ...environment,
  });
  running.push(started);
  return started;
}
const ask = (url: string, path: string) =>
  fetch(`${url}${path}`).then(
    async (answer) => ({ status: answer.status, body: (await answer.json()) as unknown }),
    (error: unknown) => ({ status: 0, body: String(error) }),
  );
const decide = (url: string, body: Payment) =>
  fetch(`${url}/v1/transactions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: bearer('service')[1] },
    body: JSON.stringify(body),
  }).then(async (answer) => ({ status: answer.status, body: await answer.json() }));

describe('an API that is told to stop', () => {
  it('answers what is under way, says that it is not ready while it takes requests, and ends in time', async () => {
    const api = start('api', { LONGWATCH_GRACE_MS: '20000', LONGWATCH_STOP_DELAY_MS: '1500' });
    const url = await api.said(/API +(http:\S+)/);
    expect(await ask(url, '/readyz')).toMatchObject({ status: 200 });
    graph.model.behaviour = { delayMs: 3_000 };
    const before = graph.model.requests;
    const slow = decide(url, payment());
    await eventually(async () => graph.model.requests > before, Boolean);
    const ended = api.end();
    expect(
      await eventually(
        () => ask(url, '/readyz'),
        ({ status }) => status !== 200,
      ),
    ).toEqual({ status: 503, body: { status: 'stopping' } });
    expect(await ask(url, '/healthz')).toMatchObject({ status: 200 });
    graph.model.behaviour = undefined;
    expect(await decide(url, payment())).toMatchObject({ status: 200 });
    expect(await slow).toMatchObject({ status: 200, body: { mode: 'full' } });
    const { code, ms } = await ended;
    expect(code).toBe(0);
    expect(ms).toBeLessThan(21_500);
    expect((await ask(url, '/healthz')).status).toBe(0);
  });

  it('ends all the same once its grace is over', async () => {
    const api = start('api', { LONGWATCH_GRACE_MS: '1500' });
    const url = await api.said(/API +(http:\S+)/);
    graph.model.behaviour = { delayMs: 25_000 };
    const before = graph.model.requests;
    const slow = decide(url, payment()).catch((error: unknown) => error);
    await eventually(async () => graph.model.requests > before, Boolean);
    const { ms } = await api.end();
    expect(ms).toBeLessThan(20_000); // The answer would take 25 s.
    expect(await slow).toBeInstanceOf(Error);
  });
});

describe('a worker', () => {
  /** A case whose customer is told by webhook. */
  const openCase = async (): Promise<string> => {
    const api = start('api');
    const url = await api.said(/API +(http:\S+)/);
    const body = payment({ merchantId: 'alert' });
    expect(await decide(url, body)).toMatchObject({ status: 200, body: { outcome: 'alert' } });
    await api.end();
    return investigationId(body.transactionId);
  };
  const attempts = async (workflowId: string) => {
    const { events } = await graph.temporal.client.workflow.getHandle(workflowId).fetchHistory();
    const started = (events ?? []).flatMap(({ activityTaskStartedEventAttributes: attributes }) =>
      attributes ? [attributes.attempt] : [],
    );
    return {
      completed: (events ?? []).filter((event) => event.activityTaskCompletedEventAttributes).length,
      attempts: started,
    };
  };

  it('without an API says how it is on a port of its own, and nothing else', async () => {
    const worker = start('worker', { LONGWATCH_WORKER_PORT: '0' });
    const url = await worker.said(/health and metrics.*?(http:\S+)/);
    expect(await ask(url, '/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
    expect(
      await eventually(
        () => ask(url, '/readyz'),
        ({ status }) => status === 200,
      ),
    ).toMatchObject({ body: { status: 'ready', worker: 'ok' } });
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('longwatch_dynamodb_call_seconds');
    expect(await ask(url, '/v1/investigations')).toMatchObject({ status: 404 });
    const { code, ms } = await worker.end();
    expect(code).toBe(0);
    // Of the 25 s that it may take: what reads shards for hours ends between two reads.
    expect(ms).toBeLessThan(24_000);
  });

  it('that is told to stop finishes the activities under way, so that nothing is done twice', async () => {
    const worker = start('worker', { LONGWATCH_GRACE_MS: '30000' });
    const workflowId = await openCase();
    await eventually(
      async () => held.length,
      (count) => count > 0,
    );
    const before = held.length;
    const ended = worker.end();
    // Longer than what works for hours is given, less than a webhook is.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    held.forEach((answer) => answer.writeHead(204).end());
    expect(await ended).toMatchObject({ code: 0 });
    expect(held.length).toBe(before);
    const { completed, attempts: all } = await attempts(workflowId);
    expect(completed).toBeGreaterThan(0);
    expect(all.every((attempt) => attempt === 1)).toBe(true);
  });

  it('ends all the same once its grace is over; another one does what it left', async () => {
    const worker = start('worker', { LONGWATCH_GRACE_MS: '3000' });
    await openCase();
    await eventually(
      async () => held.length,
      (count) => count > 0,
    );
    const { ms } = await worker.end();
    expect(ms).toBeLessThan(60_000); // The webhook is never answered.
    held = [];
    const other = start('worker');
    await eventually(
      async () => held.length,
      (count) => count > 0,
    );
    held.forEach((answer) => answer.writeHead(204).end());
    await other.end();
  });
});
