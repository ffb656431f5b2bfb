import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure, type DataConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { pino } from 'pino';
import request from 'supertest';
import { readConfig } from '../../src/graph/config';
import { buildEncryption } from '../../src/graph/encryption';
import { bundleOptions } from '../../src/workers/bundle';
import { workerTelemetry } from '../../src/workers/interceptors';
import { CART_TYPE, CARTS_QUEUE, cartWorkflowId } from '../../src/domain/carts/workflows';
import { DRIFT_REPORT_TYPE, FRAUD_QUEUE, investigationId, noteUpdate } from '../../src/domain/fraud/workflows';
import { workflowBundle } from '../support/bundle';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { HISTORIES, type History } from '../support/histories';
import { payment } from '../support/payment';
import { legible, payloadsOf, searchAttributesOf } from '../support/payloads';
import { product } from '../support/products';
import { eventually } from '../support/stack';
import { startTestTemporal, type TestTemporal } from '../support/temporal';
import { startTimeSkipping } from '../support/timeSkippingServer';
import { everything } from '../../src/graph/capabilities';

const keyOf = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const [first, second] = [keyOf('first'), keyOf('second')];
const converterOf = (...keys: string[]): DataConverter | undefined =>
  buildEncryption(readConfig({ LONGWATCH_PAYLOAD_KEYS: keys.join(',') }), pino({ level: 'silent' }))?.dataConverter;
const encrypting = converterOf(first)!;

let plainBundle: { codePath: string };
let bundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  plainBundle = await workflowBundle();
  bundle = await bundleWorkflowCode({
    ...bundleOptions(everything.workflowsPaths(), encrypting.failureConverterPath),
    logger: new DefaultLogger('ERROR'),
  });
});

const recorded = readdirSync(HISTORIES).flatMap((type) =>
  readdirSync(join(HISTORIES, type)).map((file) => ({
    type,
    file,
    history: () => historyFromJSON(JSON.parse(readFileSync(join(HISTORIES, type, file), 'utf8'))),
  })),
);

it.each(recorded)('with encryption on, $type/$file, which was recorded without, goes on', async ({ history, type }) => {
  await expect(
    Worker.runReplayHistory({ workflowBundle: bundle, dataConverter: encrypting }, history(), `replay-of-${type}`),
  ).resolves.toBeUndefined();
});

it('search attributes, which nothing encrypts, hold ids, states, scores and instants, and no other text', () => {
  // Temporal's own are of schedules and versions.
  const found = recorded
    .flatMap(({ history }) => searchAttributesOf(history()))
    .filter(([name]) => !/^Temporal|^BuildIds$/.test(name));
  expect(found.length).toBeGreaterThan(50);
  for (const [name, value] of found) {
    expect(['LongwatchStatus', 'LongwatchSubject', 'LongwatchScore', 'LongwatchAssignee', 'LongwatchDueAt']).toContain(
      name,
    );
    for (const one of [value].flat()) expect(String(one)).toMatch(/^[A-Za-z0-9_.:@#/+-]*$/);
  }
});

describe('on a server', () => {
  let temporal: TestTemporal;
  let graph: TestGraph;
  let connection: Connection;
  let native: NativeConnection;
  beforeAll(async () => {
    temporal = await startTestTemporal();
    graph = await startTestGraph({}, temporal.address);
    connection = await Connection.connect({ address: temporal.address });
    native = await NativeConnection.connect({ address: temporal.address });
  }, 15 * 60_000);
  afterAll(async () => {
    await native?.close();
    await connection?.close();
    await graph?.stop();
    await temporal?.stop();
  });

  const clientWith = (...keys: string[]) => {
    const dataConverter = converterOf(...keys);
    return new Client({ connection, ...(dataConverter && { dataConverter }) });
  };
  /**
   * A worker of a queue with these keys, for as long as the work takes; without a cache, so that it reads all that was
   * written before.
   */
  async function served<T>(
    taskQueue: typeof FRAUD_QUEUE | typeof CARTS_QUEUE,
    keys: string[],
    work: () => Promise<T>,
    activities: object = graph.activities[taskQueue]!,
  ): Promise<T> {
    const dataConverter = converterOf(...keys);
    const worker = await Worker.create({
      connection: native,
      taskQueue,
      workflowBundle: dataConverter ? bundle : plainBundle,
      activities,
      ...workerTelemetry,
      maxCachedWorkflows: 0,
      ...(dataConverter && { dataConverter }),
    });
    return worker.runUntil(work());
  }
  const historyOf = (workflowId: string): Promise<History> =>
    clientWith().workflow.getHandle(workflowId).fetchHistory();
  const read = async (transactionId: string) =>
    (
      await request(graph.app)
        .get(`/v1/investigations/${transactionId}`)
        .set(...bearer('ana'))
    ).body;

  it('a case that began in the clear goes on encrypted, and its keys change twice while it waits', async () => {
    const { transactionId } = payment();
    const workflowId = investigationId(transactionId);
    await served(FRAUD_QUEUE, [], async () => {
      await request(graph.app)
        .post('/v1/transactions')
        .set(...bearer('service'))
        .send(payment({ transactionId }))
        .expect(200);
      await request(graph.app)
        .post('/v1/investigations')
        .set(...bearer('ana'))
        .send({ transactionId })
        .expect(201);
      await eventually(
        () => read(transactionId),
        ({ status }) => status === 'waiting',
      );
    });
    const before = payloadsOf(await historyOf(workflowId));
    expect(new Set(before.map(({ encoding }) => encoding))).not.toContain('binary/encrypted');

    const secrets = ['the neighbour saw it', 'her daughter called', 'it was the dentist'];
    const note = (keys: string[], by: string, text: string) =>
      served(FRAUD_QUEUE, keys, () =>
        clientWith(...keys)
          .workflow.getHandle(workflowId)
          .executeUpdate(noteUpdate, { args: [{ by, text }] }),
      );
    await note([first], 'kim', secrets[0]!);
    await note([second, first], 'kim', secrets[1]!);
    const third = keyOf('third');
    await note([third, second, first], 'kim', secrets[2]!);
    const { timeline } = await read(transactionId);
    expect(
      timeline.filter(({ kind }: { kind: string }) => kind === 'noted').map(({ text }: { text: string }) => text),
    ).toEqual(secrets);

    const history = await historyOf(workflowId);
    const after = payloadsOf(history).slice(before.length);
    expect(new Set(after.map(({ encoding }) => encoding))).toEqual(new Set(['binary/encrypted']));
    expect([...new Set(after.map(({ keyId }) => keyId))]).toEqual(['first', 'second', 'third']);
    for (const secret of secrets) expect(legible(history)).not.toContain(secret);

    // Whoever lacks a key is told which, in the log; what the server is told of it is encrypted.
    const [written] = history
      .events!.flatMap(
        ({ workflowExecutionUpdateAcceptedEventAttributes: update }) =>
          update?.acceptedRequest?.input?.args?.payloads ?? [],
      )
      .slice(1);
    await expect(converterOf(third, first)!.payloadCodecs![0]!.decode([written!])).rejects.toThrow(
      'encrypted with the key "second", which is not configured (there are: third, first)',
    );
    await expect(
      Worker.runReplayHistory(
        { workflowBundle: bundle, dataConverter: converterOf(third, first)! },
        history,
        workflowId,
      ),
    ).rejects.toThrow('Encoded failure');
    await expect(
      Worker.runReplayHistory(
        { workflowBundle: bundle, dataConverter: converterOf(third, second, first)! },
        history,
        workflowId,
      ),
    ).resolves.toBeUndefined();
  });

  it('a worker without the key fails the task and names the key; the workflow goes on once it is there', async () => {
    const { transactionId } = payment();
    const workflowId = investigationId(transactionId);
    const handle = clientWith(first, second).workflow.getHandle(workflowId);
    await served(FRAUD_QUEUE, [first], async () => {
      await request(graph.app)
        .post('/v1/transactions')
        .set(...bearer('service'))
        .send(payment({ transactionId }))
        .expect(200);
      await request(graph.app)
        .post('/v1/investigations')
        .set(...bearer('ana'))
        .send({ transactionId })
        .expect(201);
      await eventually(
        () => read(transactionId),
        ({ status }) => status === 'waiting',
      );
      await handle.executeUpdate(noteUpdate, { args: [{ by: 'kim', text: 'before' }] });
    });
    const failures = async () =>
      (await historyOf(workflowId)).events!.flatMap(({ workflowTaskFailedEventAttributes: failed }) =>
        failed ? [legible(failed.failure)] : [],
      );
    const late = handle.executeUpdate(noteUpdate, { args: [{ by: 'kim', text: 'after' }] });
    late.catch(() => undefined);
    const told = await served(FRAUD_QUEUE, [second], () => eventually(failures, ({ length }) => length > 0));
    // What failed cannot be written but with the key that is there, so the reason is encrypted, too.
    expect(told.join()).not.toContain('before');
    await served(FRAUD_QUEUE, [second, first], () => late);
    expect((await read(transactionId)).timeline.map(({ text }: { text: string }) => text)).toEqual(
      expect.arrayContaining(['before', 'after']),
    );
  });

  it('what a schedule was given encrypted is read by the workflow that it starts', async () => {
    const client = clientWith(first);
    const scheduleId = `drift-${randomUUID()}`;
    const schedule = await client.schedule.create({
      scheduleId,
      spec: { cronExpressions: ['0 0 1 1 *'] },
      action: {
        type: 'startWorkflow',
        workflowType: DRIFT_REPORT_TYPE,
        workflowId: scheduleId,
        taskQueue: FRAUD_QUEUE,
        args: [{ days: 1 }],
        staticSummary: 'Compares recent payments with the training data (drift)',
      },
    });
    await served(FRAUD_QUEUE, [first], async () => {
      await schedule.trigger();
      const { info } = await eventually(
        () => schedule.describe(),
        ({ info: { recentActions } }) => recentActions.length > 0,
      );
      const { workflowId } = (info.recentActions[0]!.action as { workflow: { workflowId: string } }).workflow;
      expect(workflowId).not.toBe(scheduleId);
      expect(await client.workflow.getHandle(workflowId).result()).toMatchObject({ page: expect.any(String) });
      expect(payloadsOf(await historyOf(workflowId)).filter(({ encoding }) => encoding !== 'binary/encrypted')).toEqual(
        [],
      );
    });
    await schedule.delete();
  });

  it('messages and stack traces of failures are encrypted as well, and come back to who holds the key', async () => {
    const [userId, secret] = [`user-${randomUUID()}`, 'card 4111 was stolen'];
    const failing = {
      lookAtCart: () => {
        throw ApplicationFailure.nonRetryable(secret, 'conflict', { detail: secret });
      },
    };
    const handle = await clientWith(first).workflow.start(CART_TYPE, {
      taskQueue: CARTS_QUEUE,
      workflowId: cartWorkflowId(userId, 1),
      args: [{ userId, cartNumber: 1 }],
      staticSummary: secret,
      memo: { note: secret },
    });
    await served(
      CARTS_QUEUE,
      [first],
      async () => {
        const error = await handle.result().catch((failure: unknown) => failure);
        expect(error).toMatchObject({
          cause: { cause: { message: secret, type: 'conflict', details: [{ detail: secret }] } },
        });
      },
      failing,
    );
    const history = await historyOf(handle.workflowId);
    expect(history.events!.some(({ activityTaskFailedEventAttributes: failed }) => failed)).toBe(true);
    expect(legible(history)).not.toContain(secret);
    expect(legible(history)).not.toContain('at lookAtCart');
    const described = await connection.workflowService.describeWorkflowExecution({
      namespace: 'default',
      execution: { workflowId: handle.workflowId },
    });
    expect(legible(described)).not.toContain(secret);
    // Who holds the key reads it all.
    expect(await (await handle.describe()).staticSummary()).toBe(secret);
    expect((await handle.describe()).memo).toEqual({ note: secret });
  });
});

it('a cart lives its 31 days encrypted: nothing in its history or in the server’s answers can be read', async () => {
  const environment: TestWorkflowEnvironment = await startTimeSkipping();
  const graph = await startTestGraph(
    { LONGWATCH_CART_QUIET_HOURS: 'none', LONGWATCH_PAYLOAD_KEYS: first },
    environment.address,
  );
  try {
    const worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue: CARTS_QUEUE,
      workflowBundle: bundle,
      activities: graph.activities[CARTS_QUEUE]!,
      dataConverter: graph.target.dataConverter!,
    });
    const running = worker.run();
    const userId = `user-${randomUUID()}`;
    const book = await product(graph.app);
    await request(graph.app)
      .put(`/v1/carts/${userId}/items/${book}`)
      .set(...bearer('service'))
      .send({ quantity: 1 })
      .expect(200);
    const handle = graph.temporal.client.workflow.getHandle(cartWorkflowId(userId, 1));
    await eventually(
      () =>
        handle.describe().then(
          () => true,
          () => false,
        ),
      Boolean,
    );
    await environment.sleep('31 days');
    expect(await handle.result()).toEqual({ how: 'abandoned' });
    const history = await handle.fetchHistory();
    const found = payloadsOf(history);
    expect(found.length).toBeGreaterThan(8);
    expect(found.filter(({ encoding }) => encoding !== 'binary/encrypted')).toEqual([]);
    // As recorded it replays, too.
    await expect(
      Worker.runReplayHistory(
        { workflowBundle: bundle, dataConverter: graph.target.dataConverter! },
        history,
        handle.workflowId,
      ),
    ).resolves.toBeUndefined();
    worker.shutdown();
    await running;
  } finally {
    await graph.stop();
    await environment.teardown();
  }
});
