import request from 'supertest';
import { bearer, startTestGraph, type TestGraph } from '../../support/graph';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph();
  await request(graph.app)
    .put('/v1/boards/chess')
    .set(...bearer('admin'))
    .send({ operator: 'best', order: 'descending' })
    .expect(201);
});
afterAll(() => graph?.stop());

// Whatever starts a workflow for a person, or reads one.
it.each([
  ['post', '/v1/reconciliations', { mode: 'quick' }],
  ['get', '/v1/reconciliations/quick', undefined],
  ['post', '/v1/dead-letters/redrive', { source: 'leaderboard' }],
  ['post', '/v1/boards/chess/ranks/audit', {}],
  ['post', '/v1/boards/chess/ranks/rebuild', {}],
] as const)('%s %s answers 503 while Temporal does not answer', async (method, path, body) => {
  const { status, body: problem } = await request(graph.app)
    [method](path)
    .set(...bearer('admin'))
    .send(body);
  expect([status, problem.detail]).toEqual([503, expect.stringContaining('Temporal did not accept')]);
});
