import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { cartWorkflowId, checkoutWorkflowId } from '../../src/domain/carts/workflows';
import { endApi, startApi } from '../support/api';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { keepWorker, type KeptWorker } from '../support/keptWorker';
import { cartOf, product } from '../support/products';
import { startSilentServer } from '../support/silentServer';
import { eventually } from '../support/stack';
import { resultOf, runsOf, startTestTemporal, type TestTemporal } from '../support/temporal';

const folder = mkdtempSync(join(tmpdir(), 'longwatch-cart-faults-'));
let temporal: TestTemporal;
let graph: TestGraph;
let worker: KeptWorker | undefined;
let environment: Record<string, string>;

beforeAll(async () => {
  temporal = await startTestTemporal();
  graph = await startTestGraph(
    { LONGWATCH_CAPABILITIES: 'carts', LONGWATCH_CHECKOUT_HOLD_MS: '3000' },
    temporal.address,
  );
  environment = { ...graph.environment, LONGWATCH_LOG_LEVEL: 'error' };
  worker = await keepWorker(environment, ['test/support/killedWorker.ts', folder]);
}, 900_000);
afterAll(async () => {
  worker?.stop();
  await graph?.stop();
  await temporal?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('kill -9 of the API between write and start: the relay starts the cart and the checkout, once each', async () => {
  const silence = await startSilentServer();
  const api = await startApi({ ...environment, TEMPORAL_ADDRESS: silence.address });
  const user = await cartOf(api.url, { [await product(api.url)]: 1 });
  const { body: checkout } = await request(api.url)
    .post(`/v1/carts/${user}/checkout`)
    .set(...bearer('service'))
    .expect(201);
  const ids = [cartWorkflowId(user, 1), checkoutWorkflowId(checkout.checkoutId)];
  expect(await Promise.all(ids.map((id) => runsOf(graph.temporal.client, id)))).toEqual([0, 0]);
  await endApi(api);
  silence.close();
  for (const id of ids)
    expect(
      await eventually(
        () => runsOf(graph.temporal.client, id),
        (runs) => runs > 0,
      ),
    ).toBe(1);
  // The payment comes when another process has taken over, in time or not.
  const { status, body } = await request(graph.app)
    .post(`/v1/checkouts/${checkout.checkoutId}/confirm`)
    .set(...bearer('service'))
    .send({ paymentReference: 'pay' });
  expect(status === 200 ? [200, body.status] : [status, body.type]).toEqual(
    status === 200 ? [200, 'confirmed'] : [409, 'urn:longwatch:problem:refundDue'],
  );
});

it('kill -9 of the worker after a hold was ended and before Temporal heard of it: it ended once', async () => {
  const book = await product(graph.app);
  const user = await cartOf(graph.app, { [book]: 4 });
  const checkoutId = `co-${randomUUID().slice(0, 8)}-kill-1`;
  await request(graph.app)
    .post(`/v1/carts/${user}/checkout`)
    .set(...bearer('service'))
    .send({ checkoutId })
    .expect(201);
  expect(await resultOf(graph.temporal.client, checkoutWorkflowId(checkoutId))).toEqual({ status: 'expired' });
  expect(existsSync(join(folder, `checkout_${checkoutId}.death`))).toBe(true);
  const { body } = await request(graph.app)
    .get(`/v1/products/${book}`)
    .set(...bearer('service'))
    .expect(200);
  expect(body.stock).toEqual({ onHand: 10, held: 0, sold: 0 });
});
