import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { watchUnexpected } from '../../src/run/unexpected';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { payment } from '../support/payment';
import { type RunningProcess, startProcess } from '../support/process';
import { eventually } from '../support/stack';

describe('an API with a request in flight', () => {
  let graph: TestGraph;
  let api: RunningProcess;
  let url: string;
  beforeAll(async () => {
    graph = await startTestGraph({ LONGWATCH_DECISION_DEADLINE_MS: '60000', LONGWATCH_MODEL_DEADLINE_MS: '30000' });
    const preload = pathToFileURL(join(__dirname, '../support/strayFaults.mjs')).href;
    api = startProcess('api', {
      ...graph.environment,
      NODE_OPTIONS: `--import ${preload}`,
      LONGWATCH_GRACE_MS: '60000',
      LONGWATCH_STOP_DELAY_MS: '3000',
    });
    url = await api.said(/API +(http:\S+)/);
  });
  afterAll(async () => {
    api?.process.kill('SIGKILL');
    await graph?.stop();
  });

  /** Sends a decision and waits until its model is asked. */
  const slowDecision = async (delayMs: number): Promise<{ status: Promise<number> }> => {
    graph.model.behaviour = { delayMs };
    const before = graph.model.requests;
    const headers = { 'content-type': 'application/json', authorization: bearer('service')[1] };
    const status = fetch(`${url}/v1/transactions`, { method: 'POST', headers, body: JSON.stringify(payment()) }).then(
      (answer) => answer.status,
    );
    status.catch(() => undefined);
    await eventually(async () => graph.model.requests > before, Boolean);
    return { status };
  };
  const logged = (text: string) =>
    eventually(
      async () => api.output(),
      (output) => output.includes(text),
    );

  it('goes on after a rejection that nobody handles, logs it and counts it', async () => {
    const { status } = await slowDecision(2_000);
    api.process.kill('SIGUSR2');
    expect(await logged('a forgotten promise')).toContain('Unhandled rejection');
    expect(await status).toBe(200);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('longwatch_unhandled_rejections_total 1');
    expect(api.process.exitCode).toBeNull();
  });

  it('is not ready after an uncaught exception, answers what is in flight, and exits with 1', async () => {
    const { status } = await slowDecision(2_000);
    const ready = () =>
      fetch(`${url}/readyz`).then(
        async (answer) => ({ status: answer.status, body: await answer.json() }),
        (error: unknown) => ({ status: 0, body: String(error) }),
      );
    const { code } = await Promise.all([
      api.end('SIGPIPE'),
      eventually(ready, (found) => found.status === 503).then((found) =>
        expect(found.body).toEqual({ status: 'stopping' }),
      ),
      status.then((found) => expect(found).toBe(200)),
    ]).then(([ended]) => ended);
    expect(code).toBe(1);
    expect(api.output()).toMatch(/a stray timer[\s\S]*Uncaught exception/);
  });
});

describe('which faults end the process', () => {
  function watched(isUp: boolean) {
    const source = new EventEmitter();
    const seen = { reports: [] as string[], rejections: 0, stops: 0 };
    watchUnexpected(
      {
        isUp: () => isUp,
        report: (level) => void seen.reports.push(level),
        countRejection: () => void seen.rejections++,
        stop: () => void seen.stops++,
      },
      source,
    );
    return { source, seen };
  }
  const { exitCode } = process;
  afterEach(() => void (process.exitCode = exitCode));

  it('a rejection before the process is up does: the start may wait for that promise', () => {
    const { source, seen } = watched(false);
    source.emit('unhandledRejection', new Error('no bundle'));
    expect(seen).toEqual({ reports: ['fatal'], rejections: 0, stops: 1 });
  });

  it('further exceptions while it ends are logged and do not stop it a second time', () => {
    const { source, seen } = watched(true);
    for (let i = 0; i < 3; i++) source.emit('uncaughtException', new Error('again'));
    source.emit('unhandledRejection', 'not even an error');
    expect(seen).toEqual({ reports: ['fatal', 'fatal', 'fatal', 'error'], rejections: 1, stops: 1 });
  });
});
