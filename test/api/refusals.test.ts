import { randomUUID } from 'node:crypto';
import request from 'supertest';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { payment } from '../support/payment';
import { whileRefusing } from '../support/refusals';

// What passes every check and DynamoDB refuses all the same is a 422 with a sentence, or one entry's answer among
// others'.

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ LONGWATCH_DEVICE_CACHE_MS: '1' });
});
afterAll(() => graph?.stop());

const post = (path: string, body: object) =>
  request(graph.app)
    .post(path)
    .set(...bearer('service'))
    .send(body);
const marked = () => `marked-${randomUUID()}`;

it('a payment that cannot be stored is a 422, and can be sent again once it can', async () => {
  const transactionId = marked();
  const body = payment({ transactionId });
  const { body: problem } = await whileRefusing(
    ({ operation, text }) => operation === 'TransactWrite' && text.includes(transactionId),
    async () => post('/v1/transactions', body).expect(422),
  );
  expect(problem).toMatchObject({
    type: 'urn:longwatch:problem:refused',
    detail: expect.stringMatching(/^DynamoDB cannot store it: /),
  });
  await post('/v1/transactions', body)
    .expect(201)
    .catch(async () => post('/v1/transactions', body).expect(200));
});

it('one score of a batch that cannot be stored has its own answer; the others count', async () => {
  const game = `snake-${randomUUID()}`;
  await request(graph.app)
    .put(`/v1/boards/${game}`)
    .set(...bearer('admin'))
    .send({ operator: 'best' })
    .expect((answer) => expect(answer.status).toBeLessThan(300));
  const playerId = marked();
  const scores = ['ada', playerId, 'ben'].map((player, i) => ({
    submissionId: `s-${i}`,
    playerId: player,
    score: i + 1,
  }));
  const { status, body } = await whileRefusing(
    ({ text }) => text.includes(playerId),
    async () => post(`/v1/boards/${game}/scores`, { scores }),
  );
  expect(status).toBeLessThan(300);
  expect(body.results.map((one: { status: string }) => one.status)).toEqual(['applied', 'refused', 'applied']);
  expect(body.results[1].error).toMatchObject({
    type: expect.stringContaining('refused'),
    detail: expect.stringMatching(/^DynamoDB cannot store it/),
  });
});

it('one reading of a batch that cannot be stored has its own answer; the others are stored', async () => {
  const timestamp = new Date(Date.now() - 60_000).toISOString();
  const bad = marked();
  const readings = ['fine', bad, 'well'].map((status) => ({ timestamp, status }));
  const { body } = await whileRefusing(
    ({ text }) => text.includes(bad),
    async () => post(`/v1/devices/d-${randomUUID()}/readings`, { readings }).expect(207),
  );
  expect(body).toMatchObject({
    stored: 2,
    rejected: 1,
    results: [
      { status: 'stored' },
      { status: 'rejected', errors: [{ message: expect.stringContaining('cannot be stored') }] },
      { status: 'stored' },
    ],
  });
  expect(Object.keys(body.results[1]).sort()).toEqual(['errors', 'status']);
});
