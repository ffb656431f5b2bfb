import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { readTransactions } from '../../src/lab/transactionFile';
import { DecisionStore } from '../../src/stores/fraud/decisions';
import { TRANSACTIONS_STREAM } from '../../src/domain/fraud/workflows';
import { bearer, startTestGraph, type TestGraph, type Who } from '../support/graph';
import { startTestKinesis, type TestKinesis } from '../support/kinesis';
import { payment } from '../support/payment';
import { readAll } from '../support/shards';

const ROOT = join(__dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'longwatch-history-'));
let kinesis: TestKinesis;
let graph: TestGraph;

beforeAll(async () => {
  kinesis = await startTestKinesis(2);
  graph = await startTestGraph({
    LONGWATCH_CAPABILITIES: 'fraud',
    ...kinesis.environment,
    LONGWATCH_STREAM_MODEL_DEADLINE_MS: '20000',
  });
});
afterAll(async () => {
  await graph?.stop();
  await kinesis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** `npm run fraud --` with these arguments, beside the graph. */
function fraud(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/fraud.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '', ...graph.environment, LONGWATCH_DATA_DIR: folder, ...env },
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (part: Buffer) => (said.out += part.toString()));
  child.stderr.on('data', (part: Buffer) => (said.err += part.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...said })));
}
const label = (id: string, body: object, who: Who = 'service') =>
  request(graph.app)
    .put(`/v1/transactions/${id}/label`)
    .set(...bearer(who))
    .send(body);

it('the loop closes: simulated payments come by the stream, are labelled, and go out as a training file', async () => {
  const { code, out } = await fraud([
    'simulate',
    '--stream',
    '--rate',
    '2000',
    '--customers',
    '15',
    '--days',
    '10',
    '--fraud-rate',
    '0.01',
  ]);
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(/^\d+ payments on the stream transactions-test, \d+ of them fraud/),
  ]);
  const reports = await readAll(graph.consumers[TRANSACTIONS_STREAM]!);
  const records = reports.reduce((sum, one) => sum + one.records, 0);
  expect(records).toBe(Number(/^\d+/.exec(out)![0]));
  expect(reports.flatMap(({ counts }) => Object.keys(counts))).not.toContain('dead letters');

  const exported = async (...more: string[]) => {
    const done = await fraud(['labels', 'export', '--out', join(folder, 'labels.csv.gz'), ...more]);
    expect([done.code, done.err]).toEqual([0, expect.any(String)]);
    const all = [];
    for await (const one of readTransactions(join(folder, 'labels.csv.gz'))) all.push(one);
    return { out: done.out, all };
  };
  const first = await exported();
  expect(first.out).toContain(`${records} payments in`);
  expect(first.all).toHaveLength(records);
  expect(first.all.every(({ fraud: known }) => known === undefined)).toBe(true);
  const times = first.all.map(({ transaction }) => transaction.timestamp);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  // What was decided, field for field.
  const [stored] = await new DecisionStore(graph.dynamodb.db).findAll([first.all[5]!.transaction.transactionId]);
  expect(first.all[5]!.transaction).toEqual(stored!.transaction);

  const [bad, good] = [first.all[3]!, first.all[4]!].map(({ transaction }) => transaction.transactionId);
  await label(bad!, { label: 'genuine' }).expect(200);
  for (const _ of [1, 2])
    expect((await label(bad!, { label: 'fraud' }).expect(200)).body).toEqual({ transactionId: bad, label: 'fraud' });
  await label(good!, { label: 'genuine' }, 'eva').expect(200);
  const { all } = await exported('--genuine-after', '5d');
  const of = (id: string) => all.find(({ transaction }) => transaction.transactionId === id)!.fraud;
  expect([of(bad!), of(good!)]).toEqual([true, false]);
  const old = Date.now() - 6 * 86_400_000;
  expect(
    all.filter(({ transaction }) => transaction.timestamp < old).every(({ fraud: known }) => known !== undefined),
  ).toBe(true);
  expect(all.at(-1)!.fraud).toBeUndefined();
});

it('a label needs a decided transaction, and no open case', async () => {
  await label('tx-none', { label: 'fraud' }).expect(404);
  const body = payment();
  await request(graph.app)
    .post('/v1/transactions')
    .set(...bearer('service'))
    .send(body)
    .expect(200);
  expect((await label(body.transactionId, { label: 'maybe' }).expect(400)).body.detail).toContain('fraud, genuine');
  await label(body.transactionId, { label: 'fraud' }, 'ana').expect(403);
  await request(graph.app)
    .post('/v1/investigations')
    .set(...bearer('ana'))
    .send({ transactionId: body.transactionId })
    .expect(201);
  expect((await label(body.transactionId, { label: 'fraud' }).expect(409)).body.detail).toContain(
    `/v1/investigations/${body.transactionId}/decide`,
  );
});

it('a challenger is set, compared and promoted from the command line', async () => {
  const server = graph.app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const api = [
    '--url',
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    '--key',
    bearer('eva')[1].replace('Bearer ', ''),
  ];
  try {
    const rules = join(folder, 'rules.json');
    writeFileSync(
      rules,
      JSON.stringify({
        bands: [],
        rules: [
          {
            id: 'all',
            when: { field: 'transaction.amount', is: '>', value: 0 },
            outcome: 'alert',
            reason: 'ALL',
            text: 'all',
          },
        ],
      }),
    );
    expect((await fraud(['promote', '--yes', ...api])).err).toContain('404 There is no challenger');
    expect((await fraud(['shadow', '--rules', rules, ...api])).out).toMatch(
      /^Challenger 1: its own rules; set by eva.*\nNo decisions have been compared yet/,
    );
    await request(graph.app)
      .post('/v1/transactions')
      .set(...bearer('service'))
      .send(payment())
      .expect(200);
    await graph.flush();
    expect((await fraud(['promote', ...api])).err).toContain('use --yes to promote');
    const { out } = await fraud(['promote', '--yes', ...api]);
    expect(out).toMatch(/│ approve +│ +0 │ +1 │/);
    expect(out).toContain('1 decision compared, 0.00 % the same');
    expect(out).toContain('Live from now on: rule set 2');
    expect(
      (
        await request(graph.app)
          .post('/v1/transactions')
          .set(...bearer('service'))
          .send(payment())
          .expect(200)
      ).body.outcome,
    ).toBe('alert');
    expect((await fraud(['drift', ...api])).out).toContain('too few to compare');
    expect((await fraud(['shadow', '--remove', '--rules', rules, ...api])).err).toContain('mutually exclusive');
    expect((await fraud(['shadow', '--remove', ...api])).out).toContain('Removed the challenger');
  } finally {
    server.close();
  }
});

it('says what is missing', async () => {
  const nowhere = { KINESIS_ENDPOINT: '', DYNAMODB_ENDPOINT: '' };
  expect((await fraud(['simulate', '--stream'], nowhere)).err).toContain(
    'The address of Kinesis is not known. Start Longwatch with npm start',
  );
  expect((await fraud(['labels', 'export', '--out', join(folder, 'x.csv')], nowhere)).err).toContain(
    'The address of DynamoDB is not known.',
  );
  expect((await fraud(['simulate'])).err).toContain('--out FILE and --stream');
  expect((await fraud(['simulate', '--stream', '--days', '31'])).err).toContain('--days must be at most 30');
  expect((await fraud(['promote'])).err).toContain('The address of the API is not known.');
  expect((await fraud(['drift', '--url', 'http://127.0.0.1:1', '--key', 'k'])).err).toContain('does not answer');
});
