import type { Client, WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import request from 'supertest';
import type { ReconciliationMode, ReconciliationCounts } from '../../src/domain/platform/reconciliation';
import { bearer, startTestGraph, type TestGraph, type Who } from './graph';
import { merchantDecides } from './merchantRules';
import { eventually } from './stack';
import { startTestTemporal, type TestTemporal } from './temporal';
import { startTestWorkers } from './workers';

type Activities = TestGraph['activities'];

/**
 * The graph on a Temporal server of its own, for the tests of one file: workflows are terminated and reset there, and
 * the reconciler looks at them. Without workers, until a test starts them.
 */
export function useReconciledGraph(env: Record<string, string>) {
  let temporal: TestTemporal;
  let graph: TestGraph;
  let workers: { stop(): Promise<void> } | undefined;
  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    temporal = await startTestTemporal();
    graph = await startTestGraph(env, temporal.address, { attemptMs: 20_000 });
    await graph.temporal.ensureSearchAttributes();
    await merchantDecides(graph.app);
  }, 600_000);
  afterAll(async () => {
    await workers?.stop();
    await graph?.stop();
    await temporal?.stop();
  }, 60_000);

  const ask = (who: Who, method: 'get' | 'post' | 'put' | 'delete', path: string, body?: object) =>
    request(graph.app)
      [method](path)
      .set(...bearer(who))
      .send(body);
  return {
    graph: () => graph,
    client: (): Client => graph.temporal.client,
    ask,
    handle: (id: string): WorkflowHandle => graph.temporal.client.workflow.getHandle(id),
    /** Once a file. @param through what the activities are called through. */
    async startWorkers(through: (activities: Activities) => Activities = (activities) => activities): Promise<void> {
      workers ??= await startTestWorkers({ activities: through(graph.activities) }, temporal.address);
    },
    ...runsOf(() => graph, ask),
  };
}

type Ask = (who: Who, method: 'get' | 'post', path: string, body?: object) => request.Test;

function runsOf(graph: () => TestGraph, ask: Ask) {
  const handle = (id: string) => graph().temporal.client.workflow.getHandle(id);
  const described = (id: string) =>
    handle(id)
      .describe()
      .catch(() => undefined);
  const statusOf = async (id: string): Promise<string> => (await described(id))?.status.name ?? 'NONE';
  /** Visibility lags; the reconciler bears that, and tests do not want to wait for a second look. */
  const seen = (id: string, status: string) => {
    const query = `WorkflowId = '${id}' AND ExecutionStatus = '${status}'`;
    return eventually(
      () => graph().temporal.client.workflow.count(query),
      ({ count }) => count > 0,
    );
  };
  return {
    statusOf,
    seen,
    async terminate(id: string): Promise<void> {
      await eventually(
        () => statusOf(id),
        (status) => status === 'RUNNING',
      );
      await handle(id).terminate('by a test');
      await seen(id, 'Terminated');
    },
    /** A look at an operator's word. @returns what it did. */
    async look(mode: ReconciliationMode): Promise<ReconciliationCounts> {
      const { body } = await ask('admin', 'post', '/v1/reconciliations', { mode }).expect(202);
      const path = `/v1/reconciliations/${mode}`;
      const isEnded = ({ body: found }: request.Response) => found.status === 'ended';
      const { body: found } = await eventually(() => ask('admin', 'get', path), isEnded);
      expect(found.workflowId).toBe(body.workflowId);
      return found.asked as ReconciliationCounts;
    },
  };
}
