import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { degradedCauses } from '../../../src/domain/fraud/decision';
import { EndpointCalls } from '../../../src/gateways/fraud/endpointCalls';
import { ScoringEndpoint, type ScoringSettings } from '../../../src/gateways/fraud/sagemaker';
import type { ScoringFailure } from '../../../src/gateways/fraud/scoringFailure';
import { type Misbehaviour, startEndpointServer } from '../../../src/local/sagemaker/server';

const root = join(__dirname, '../../..');
const golden = JSON.parse(readFileSync(join(root, 'test/domain/fraud/goldens/fraud.json'), 'utf8')) as {
  rows: (number | null)[][];
  scores: number[];
  approximate: number[][];
};
const rows = golden.rows.map((row) => row.map((value) => value ?? Number.NaN));
const one = [rows[0]!];

let behaviour: Misbehaviour | undefined;
let requests = 0;
let server: Awaited<ReturnType<typeof startEndpointServer>>;

beforeAll(async () => {
  server = await startEndpointServer({
    modelPath: join(root, 'model/fraud.json'),
    host: '127.0.0.1',
    port: 0,
    endpointName: 'fraud-model',
    behaviour: () => {
      requests++;
      return behaviour;
    },
  });
});
afterAll(() => server.close());
beforeEach(() => {
  behaviour = undefined;
  requests = 0;
});

const endpointAt = (endpoint: string, settings: Partial<ScoringSettings> = {}): ScoringEndpoint =>
  new ScoringEndpoint(
    new EndpointCalls({
      region: 'us-east-1',
      endpoint,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    }),
    {
      endpointName: () => 'fraud-model',
      ...settings,
    },
  );

async function failureOf(scoring: Promise<unknown>): Promise<ScoringFailure> {
  const failure = await scoring.then(
    () => undefined,
    (error: unknown) => error as ScoringFailure,
  );
  expect(failure?.name).toBe('ScoringFailure');
  expect(degradedCauses).toContain(failure!.kind);
  return failure!;
}

/** Long enough for the slowest machine: only what hangs reaches it. */
const PATIENT = { deadlineMs: 20_000 };

describe('scoring', () => {
  it('gives the scores of many rows in their order by one request, and the version of the model', async () => {
    const { scores, modelVersion } = await endpointAt(server.url).score(rows, PATIENT);
    expect(requests).toBe(1);
    expect(scores).toHaveLength(rows.length);
    for (const [i, { score }] of scores.entries()) expect(score).toBeCloseTo(golden.scores[i]!, 6);
    expect(modelVersion).toMatch(/^fraud-/);
  });

  it('brings contributions by feature when asked', async () => {
    const { scores } = await endpointAt(server.url).score(one, { ...PATIENT, explain: 'approximate' });
    for (const [i, value] of scores[0]!.contributions!.entries())
      expect(value).toBeCloseTo(golden.approximate[0]![i]!, 5);
    const plain = await endpointAt(server.url).score(one, PATIENT);
    expect(plain.scores[0]!.contributions).toBeUndefined();
  });
});

describe('a model that does not score', () => {
  it.each([424, 429, 500, 503, 530] as const)('is in error when it answers %i, after one attempt', async (status) => {
    behaviour = { status };
    const failure = await failureOf(endpointAt(server.url).score(one, PATIENT));
    expect(failure.kind).toBe('model-error');
    expect(failure.message).toContain(String(status));
    expect(requests).toBe(1);
  });

  it('is in error when there is no such endpoint', async () => {
    expect((await failureOf(endpointAt(server.url, { endpointName: () => 'other' }).score(one, PATIENT))).kind).toBe(
      'model-error',
    );
  });

  it.each<[string, Misbehaviour]>([
    ['is slow', { delayMs: 60_000 }],
    ['never answers', { hang: 'answer' }],
    ['begins an answer and never ends it', { hang: 'body' }],
  ])('is late when it %s', async (_how, misbehaviour) => {
    behaviour = misbehaviour;
    const started = performance.now();
    const failure = await failureOf(endpointAt(server.url).score(one, { deadlineMs: 150 }));
    expect(failure.kind).toBe('model-late');
    // Given up at the deadline, not when the answer would have come.
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  it.each([
    ['no JSON', 'hello'],
    ['nothing', ''],
    ['JSON null', 'null'],
    ['no predictions', '{"scores":[0.1]}'],
    ['too few predictions', '{"predictions":[]}'],
    ['too many predictions', '{"predictions":[{"score":0.1},{"score":0.2}]}'],
    ['a score over 1', '{"predictions":[{"score":1.5}]}'],
    ['a score under 0', '{"predictions":[{"score":-0.1}]}'],
    ['a score that is a string', '{"predictions":[{"score":"0.5"}]}'],
    ['no score', '{"predictions":[null]}'],
    ['contributions of another width', '{"predictions":[{"score":0.5,"contributions":[1,2]}]}'],
    [
      'contributions that are no numbers',
      `{"predictions":[{"score":0.5,"contributions":${JSON.stringify(rows[0]!.map(() => 'x'))}}]}`,
    ],
  ])('talks nonsense when it answers %s', async (_what, body) => {
    behaviour = { body };
    expect((await failureOf(endpointAt(server.url).score(one, PATIENT))).kind).toBe('model-nonsense');
  });

  it('is unreachable when it cuts the connection', async () => {
    behaviour = { reset: true };
    expect((await failureOf(endpointAt(server.url).score(one, PATIENT))).kind).toBe('model-unreachable');
  });

  it('is unreachable when nobody listens', async () => {
    const gone = await startEndpointServer({
      modelPath: join(root, 'model/fraud.json'),
      host: '127.0.0.1',
      port: 0,
      endpointName: 'fraud-model',
    });
    await gone.close();
    expect((await failureOf(endpointAt(gone.url).score(one, PATIENT))).kind).toBe('model-unreachable');
  });
});

describe('a model that keeps failing', () => {
  const kinds = async (endpoint: ScoringEndpoint, calls: number) => {
    const seen: string[] = [];
    for (let i = 0; i < calls; i++) seen.push((await failureOf(endpoint.score(one, PATIENT))).kind);
    return seen;
  };

  it('is spared after some failures in a row: no request reaches it', async () => {
    behaviour = { status: 500 };
    const endpoint = endpointAt(server.url, { breakAfter: 3, retryAfterMs: 60_000 });
    expect(await kinds(endpoint, 5)).toEqual([
      'model-error',
      'model-error',
      'model-error',
      'circuit-open',
      'circuit-open',
    ]);
    expect(requests).toBe(3);
    expect(endpoint.healthy).toBe(false);
  });

  it('is tried again after a while, and used once it answers', async () => {
    behaviour = { status: 500 };
    const endpoint = endpointAt(server.url, { breakAfter: 2, retryAfterMs: 50 });
    await kinds(endpoint, 2);
    behaviour = undefined;
    await sleep(100);
    expect((await endpoint.score(one, PATIENT)).scores).toHaveLength(1);
    expect(endpoint.healthy).toBe(true);
  });

  it('is not spared for failures with successes between them', async () => {
    const endpoint = endpointAt(server.url, { breakAfter: 2, retryAfterMs: 60_000 });
    for (let i = 0; i < 4; i++) {
      behaviour = { status: 503 };
      expect(await kinds(endpoint, 1)).toEqual(['model-error']);
      behaviour = undefined;
      await endpoint.score(one, PATIENT);
    }
    expect(endpoint.healthy).toBe(true);
  });

  it('does not make calls outlast their own deadline while one tries it', async () => {
    behaviour = { status: 500 };
    const endpoint = endpointAt(server.url, { breakAfter: 1, retryAfterMs: 1 });
    await kinds(endpoint, 1);
    await sleep(20);
    behaviour = { hang: 'answer' };
    const order: string[] = [];
    const late = (name: string, deadlineMs: number) =>
      failureOf(endpoint.score(one, { deadlineMs })).then(({ kind }) => (order.push(name), kind));
    expect(await Promise.all([late('the one that tries', 3_000), late('another', 100)])).toEqual([
      'model-late',
      'model-late',
    ]);
    expect(order).toEqual(['another', 'the one that tries']);
  });
});
