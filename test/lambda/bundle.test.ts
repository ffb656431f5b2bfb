import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startTestGraph, type TestGraph, bearer } from '../support/graph';
import { httpEvent } from '../support/lambdaEvents';
import { payment } from '../support/payment';

const run = promisify(execFile);
let graph: TestGraph;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'longwatch-bundle-'));
  // In a process of its own: esbuild refuses to run in jest's realm.
  const bundle = `require('./deploy/artefacts').bundleFunctions(${JSON.stringify(join(folder, 'functions'))})`;
  [graph] = await Promise.all([
    startTestGraph(),
    run(process.execPath, ['--import', 'tsx', '-e', bundle], { env: { ...process.env, NODE_OPTIONS: '' } }),
  ]);
});
afterAll(async () => {
  await graph?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('the bundle serves a request as the function would, with nothing installed beside it', async () => {
  const body = payment();
  const event = join(folder, 'event.json');
  writeFileSync(
    event,
    JSON.stringify(httpEvent('POST', '/v1/transactions', { body, headers: { authorization: bearer('service')[1] } })),
  );
  writeFileSync(join(folder, 'page.json'), JSON.stringify(httpEvent('GET', '/')));
  const script = `
    const functions = require('./functions/dist/lambda/index.js');
    const context = { getRemainingTimeInMillis: () => 20000 };
    (async () => {
      const answer = await functions.api(require('./event.json'), context);
      const page = await functions.api(require('./page.json'), context);
      console.log(JSON.stringify({ handlers: Object.keys(functions).sort(), answer, page }));
      process.exit();
    })();`;
  const { stdout } = await run(process.execPath, ['-e', script], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      ...graph.environment,
      LONGWATCH_LOG_LEVEL: 'silent',
      LONGWATCH_DECISION_DEADLINE_MS: '10000',
      LONGWATCH_MODEL_DEADLINE_MS: '5000',
    },
  });
  const { handlers, answer, page } = JSON.parse(stdout.trim().split('\n').at(-1)!) as {
    handlers: string[];
    answer: { statusCode: number; body: string };
    page: { body: string };
  };
  expect(handlers).toEqual(['api', 'iot', 'merchants', 'ranks', 'readings', 'rollups', 'transactions']);
  expect(page).toMatchObject({
    statusCode: 200,
    isBase64Encoded: false,
    body: expect.stringMatching(/^<!doctype html>/i),
  });
  expect(answer.statusCode).toBe(200);
  expect(JSON.parse(answer.body)).toMatchObject({
    transactionId: body.transactionId,
    outcome: 'approve',
    mode: 'full',
  });
});

it('a function whose settings are wrong says which, and does not hide it', async () => {
  const script =
    `require('./functions/dist/lambda/index.js').api({}, {}).catch((error) => console.log(error.name + ': ' + ` +
    'error.message))';
  const { stdout } = await run(process.execPath, ['-e', script], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...graph.environment, LONGWATCH_SIGNING_SECRET: '' },
  });
  expect(stdout).toMatch(/ConfigError: .*\n {2}LONGWATCH_SIGNING_SECRET: must be set/);
});
