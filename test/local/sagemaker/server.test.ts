import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { featureNames } from '../../../src/domain/fraud/features';
import { startEndpointServer } from '../../../src/local/sagemaker/server';

const root = join(__dirname, '../../..');
const modelPath = join(root, 'model/fraud.json');
const card = JSON.parse(readFileSync(join(root, 'model/fraud.card.json'), 'utf8')) as { version: string };
const golden = JSON.parse(readFileSync(join(root, 'test/domain/fraud/goldens/fraud.json'), 'utf8')) as {
  rows: (number | null)[][];
  scores: number[];
  exact: number[][];
};
const rows = golden.rows.slice(0, 3);
const csv = rows.map((row) => row.map((value) => value ?? '').join(',')).join('\n');

let server: Awaited<ReturnType<typeof startEndpointServer>>;
beforeAll(async () => {
  server = await startEndpointServer({ modelPath, host: '127.0.0.1', port: 0, endpointName: 'fraud-model' });
});
afterAll(() => server.close());

const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(server.url + path, { method: 'POST', body, headers: { 'content-type': 'text/csv', ...headers } });
const invoke = (body: string, headers: Record<string, string> = {}) =>
  post('/endpoints/fraud-model/invocations', body, headers);

interface Predictions {
  predictions: { score: number; bias?: number; contributions?: number[] }[];
}

describe('the endpoint, as SageMaker', () => {
  it('scores CSV rows with empty cells for what is missing, and answers CSV in the same order', async () => {
    const answer = await invoke(csv);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/csv/);
    const scores = (await answer.text()).trim().split('\n').map(Number);
    expect(scores).toHaveLength(3);
    for (const [i, score] of scores.entries()) expect(score).toBeCloseTo(golden.scores[i]!, 6);
  });

  it('scores JSON instances alike, null for what is missing', async () => {
    const body = JSON.stringify({ instances: rows.map((features) => ({ features })) });
    const answer = await invoke(body, { 'content-type': 'application/json', accept: 'application/json' });
    const { predictions } = (await answer.json()) as Predictions;
    for (const [i, { score }] of predictions.entries()) expect(score).toBeCloseTo(golden.scores[i]!, 6);
  });

  it('names the variant and the version of the model that scored', async () => {
    const answer = await invoke(csv);
    expect(answer.headers.get('x-amzn-invoked-production-variant')).toBe('AllTraffic');
    expect(answer.headers.get('x-amzn-sagemaker-custom-attributes')).toBe(`model=${card.version}`);
  });

  it('explains a score on request: bias and contributions add up to its log-odds', async () => {
    for (const explain of ['approximate', 'exact']) {
      const answer = await invoke(csv, {
        accept: 'application/json',
        'x-amzn-sagemaker-custom-attributes': `explain=${explain}`,
      });
      const { predictions } = (await answer.json()) as Predictions;
      for (const { score, bias, contributions } of predictions) {
        const logOdds = contributions!.reduce((a, b) => a + b, bias!);
        expect(logOdds).toBeCloseTo(Math.log(score / (1 - score)), 3);
        expect(contributions).toHaveLength(featureNames.length);
      }
      if (explain === 'exact') expect(predictions[0]!.contributions![0]).toBeCloseTo(golden.exact[0]![0]!, 5);
    }
  });

  it('does not explain without being asked', async () => {
    const { predictions } = (await (await invoke(csv, { accept: 'application/json' })).json()) as Predictions;
    expect(Object.keys(predictions[0]!)).toEqual(['score']);
  });

  it.each([
    ['a row with a column too few', '1,2,3', 'text/csv', 400, 'Row 0 has 3 values'],
    ['a cell that is no number', csv.replace(/^[^,]*/, 'much'), 'text/csv', 400, 'Row 0, column 0 is no number'],
    ['an empty body', '', 'text/csv', 400, 'holds no row'],
    ['broken JSON', '{', 'application/json', 400, 'not JSON'],
    ['JSON of another shape', '{"rows":[]}', 'application/json', 400, 'is not {"instances"'],
    ['a content type that the model does not take', csv, 'application/x-parquet', 415, 'is not one of'],
  ])('answers ModelError with the original status for %s', async (_what, body, contentType, original, message) => {
    const answer = await invoke(body, { 'content-type': contentType });
    expect(answer.status).toBe(424);
    expect(answer.headers.get('x-amzn-errortype')).toBe('ModelError');
    const error = (await answer.json()) as { OriginalStatusCode: number; OriginalMessage: string };
    expect(error.OriginalStatusCode).toBe(original);
    expect(error.OriginalMessage).toContain(message);
  });

  it('answers ValidationError for an endpoint that does not exist', async () => {
    const answer = await post('/endpoints/another/invocations', csv);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('x-amzn-errortype')).toBe('ValidationError');
    expect(await answer.json()).toMatchObject({ Message: 'Endpoint another of account 000000000000 not found.' });
  });

  it('refuses a body over 6 MB and goes on serving', async () => {
    expect((await invoke('1,'.repeat(3.2 * 1024 * 1024))).status).toBe(413);
    expect((await invoke(csv)).status).toBe(200);
  });

  it('answers 404 for what it does not serve', async () => {
    expect((await fetch(`${server.url}/endpoints`)).status).toBe(404);
  });
});

describe('the endpoint, as a container that brings its own model', () => {
  it('is healthy once it answers pings', async () => {
    expect((await fetch(`${server.url}/ping`)).status).toBe(200);
  });

  it('serves /invocations like the service, but answers errors under its own status', async () => {
    expect((await post('/invocations', csv)).status).toBe(200);
    expect((await post('/invocations', '1,2,3')).status).toBe(400);
    expect((await post('/invocations', csv, { 'content-type': 'image/png' })).status).toBe(415);
  });
});

describe('starting the endpoint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-model-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const start = (path: string) =>
    startEndpointServer({ modelPath: path, host: '127.0.0.1', port: 0, endpointName: 'fraud-model' });

  it('refuses a model whose features are in another order than the code', async () => {
    const model = JSON.parse(readFileSync(modelPath, 'utf8')) as { learner: { feature_names: string[] } };
    model.learner.feature_names.reverse();
    const path = join(folder, 'reversed.json');
    writeFileSync(path, JSON.stringify(model));
    await expect(start(path)).rejects.toThrow('The model was trained on other features');
  });

  it('serves a model without a card as unversioned', async () => {
    const path = join(folder, 'no-card.json');
    copyFileSync(modelPath, path);
    const other = await start(path);
    const answer = await fetch(`${other.url}/invocations`, {
      method: 'POST',
      body: csv,
      headers: { 'content-type': 'text/csv' },
    });
    await other.close();
    expect(answer.headers.get('x-amzn-sagemaker-custom-attributes')).toBe('model=unversioned');
  });

  it('says so when its port is taken', async () => {
    const port = Number(new URL(server.url).port);
    await expect(
      startEndpointServer({ modelPath, host: '127.0.0.1', port, endpointName: 'fraud-model' }),
    ).rejects.toThrow('EADDRINUSE');
  });
});
