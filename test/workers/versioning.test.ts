import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import request from 'supertest';
import { findTemporal } from '../../src/local/temporalCli';
import { installRuntime, startWorkers, type Workers } from '../../src/workers';
import { FRAUD_QUEUE, investigationId } from '../../src/domain/fraud/workflows';
import { PLATFORM_QUEUE, RELAY_ID } from '../../src/domain/platform/workflows';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { merchantDecides } from '../support/merchantRules';
import { payment } from '../support/payment';
import { eventually } from '../support/stack';
import { startTestTemporal, type TestTemporal } from '../support/temporal';

const DEPLOYMENT = 'longwatch';
let temporal: TestTemporal;
let graph: TestGraph;
let executable: string;
const running: Workers[] = [];

beforeAll(async () => {
  installRuntime('error');
  temporal = await startTestTemporal();
  executable = await findTemporal({ onStage: () => undefined });
  graph = await startTestGraph({}, temporal.address);
  await merchantDecides(graph.app);
}, 900_000);
afterAll(async () => {
  await Promise.all(running.map((workers) => workers.shutdown()));
  await graph?.stop();
  await temporal?.stop();
});

/** The command that docs/upgrading.md gives. */
const cli = async (...args: string[]) =>
  (await promisify(execFile)(executable, ['worker', 'deployment', ...args, '--address', temporal.address])).stdout;

/** A build of the product's workers: all that tells builds apart here is their name. */
async function startBuild(
  buildId: string,
  behavior: 'PINNED' | 'AUTO_UPGRADE',
  served: readonly (typeof FRAUD_QUEUE | typeof PLATFORM_QUEUE)[] = [FRAUD_QUEUE],
): Promise<Workers> {
  const workers = startWorkers({
    connection: graph.target.connection,
    namespace: 'default',
    activities: Object.fromEntries(served.map((queue) => [queue, graph.activities[queue]!])),
    queues: graph.combined.queues,
    workflowsPaths: graph.combined.workflowsPaths,
    workflowIds: graph.combined.workflowIds,
    logLevel: 'error',
    graceMs: 2_000,
    version: { deploymentName: DEPLOYMENT, buildId, behavior },
    onFault: () => undefined,
    onBroken: (error) => {
      throw error;
    },
  });
  running.push(workers);
  await eventually(
    async () => workers.state(),
    (state) => state === 'ok',
  );
  return workers;
}

async function makeCurrent(buildId: string): Promise<void> {
  // The server knows of a version a moment after its first poll.
  await eventually(
    () =>
      cli('set-current-version', '--deployment-name', DEPLOYMENT, '--build-id', buildId, '--yes').then(
        () => true,
        () => false,
      ),
    Boolean,
  );
}

/** Opens a case that waits for an investigator. @returns its transaction. */
async function openCase(): Promise<string> {
  const body = payment({ merchantId: 'review' });
  await request(graph.app)
    .post('/v1/transactions')
    .set(...bearer('service'))
    .send(body)
    .expect(200);
  await eventually(
    () => versionOf(body.transactionId).catch(() => undefined),
    (version) => version?.buildId !== undefined,
  );
  return body.transactionId;
}

async function versionOf(
  transactionId: string,
): Promise<{ buildId?: string | undefined; behavior?: number | undefined }> {
  const { raw } = await graph.temporal.client.workflow
    .getHandle(transactionId === RELAY_ID ? RELAY_ID : investigationId(transactionId))
    .describe();
  const { deploymentVersion, behavior } = raw.workflowExecutionInfo?.versioningInfo ?? {};
  return { buildId: deploymentVersion?.buildId ?? undefined, behavior: behavior ?? undefined };
}

const close = async (transactionId: string) => {
  await eventually(
    () =>
      request(graph.app)
        .post(`/v1/investigations/${transactionId}/decide`)
        .set(...bearer('ana'))
        .send({ decision: 'genuine' })
        .then(({ status }) => status),
    (status) => status === 200,
  );
  return eventually(
    () => graph.temporal.client.workflow.getHandle(investigationId(transactionId)).describe(),
    ({ status }) => status.name === 'COMPLETED',
  );
};

it(
  'a pinned case ends on the build that it began on, though another one is current; what begins then is the new ' +
    'one’s',
  async () => {
    await startBuild('pinned-1', 'PINNED');
    await makeCurrent('pinned-1');
    const old = await openCase();
    expect((await versionOf(old)).buildId).toBe('pinned-1');
    await startBuild('pinned-2', 'PINNED');
    await makeCurrent('pinned-2');
    const fresh = await openCase();
    await close(old);
    await close(fresh);
    expect([(await versionOf(old)).buildId, (await versionOf(fresh)).buildId]).toEqual(['pinned-1', 'pinned-2']);
    expect(await cli('describe', '--name', DEPLOYMENT)).toMatch(/pinned-2/);
  },
);

it('a case that upgrades goes over to the build that is current, and the build before can go', async () => {
  const first = await startBuild('auto-1', 'AUTO_UPGRADE');
  await makeCurrent('auto-1');
  const transactionId = await openCase();
  expect((await versionOf(transactionId)).buildId).toBe('auto-1');
  await startBuild('auto-2', 'AUTO_UPGRADE');
  await makeCurrent('auto-2');
  await first.shutdown();
  await close(transactionId);
  expect((await versionOf(transactionId)).buildId).toBe('auto-2');
});

it('what never ends upgrades, also where everything else is pinned', async () => {
  await startBuild('endless-1', 'PINNED', [PLATFORM_QUEUE]);
  await makeCurrent('endless-1');
  await graph.startStandingWorkflows();
  const version = await eventually(
    () => versionOf(RELAY_ID),
    ({ buildId }) => buildId !== undefined,
  );
  // 2 is VERSIONING_BEHAVIOR_AUTO_UPGRADE.
  expect(version).toEqual({ buildId: 'endless-1', behavior: 2 });
});
