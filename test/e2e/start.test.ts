import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built } from '../support/built';
import { payment } from '../support/payment';
import { eventually, removeDataDir, startLongwatch } from '../support/stack';

const folder = mkdtempSync(join(tmpdir(), 'longwatch-start-'));
const blocker = createServer();
let taken: number;
beforeAll(async () => {
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  taken = (blocker.address() as AddressInfo).port;
});
afterAll(() => {
  blocker.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program of ours to its end, with nothing but these settings. */
function run(args: string[], env: Record<string, string> = {}): Promise<{ code: number | null; output: string }> {
  const compiler = args[0]?.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const child = spawn(process.execPath, [...compiler, ...args], {
    cwd: join(__dirname, '..', '..'),
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'],
      LONGWATCH_DATA_DIR: join(folder, 'data'),
      PORT: '0',
      TEMPORAL_UI_PORT: '0',
      ...env,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

const processesOf = (dataDir: string): string[] =>
  execFileSync('ps', ['-eo', 'pid,stat,args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(dataDir) && !/^\s*\d+\s+Z/.test(line));

/** Waits until no process of the folder runs. The shell that guards a part ends a moment after the part. */
const nothingRuns = (dataDir: string): Promise<unknown> =>
  eventually(
    async () => processesOf(dataDir),
    ({ length }) => length === 0,
  );

describe('a start that cannot succeed says why in a sentence, ends with 1, and leaves nothing running', () => {
  // One of them as npm start does it; the others load faster.
  const MAIN = built('src/main.ts');
  it.each<[string, string[], () => Record<string, string>, RegExp]>([
    ['a port that is taken', ['src/main.ts'], () => ({ PORT: String(taken) }), /Port \d+ .*(taken|in use)/],
    [
      'a Web UI port that is taken',
      [MAIN],
      () => ({ TEMPORAL_UI_PORT: String(taken) }),
      /Port \d+, set by TEMPORAL_UI_PORT, is in use/,
    ],
    [
      'a data folder below a file',
      [MAIN],
      () => ({ LONGWATCH_DATA_DIR: join(folder, 'file', 'data') }),
      /is a file or inside a file\. Set LONGWATCH_DATA_DIR/,
    ],
    [
      'a setting that is no good',
      [MAIN],
      () => ({ LONGWATCH_FINAL_POLICY: 'forget' }),
      /LONGWATCH_FINAL_POLICY: .*"forget"/,
    ],
    ['a mode that is none', [MAIN, 'everything'], () => ({}), /There is no mode "everything"/],
    [
      'listening beyond this machine without keys',
      [MAIN],
      () => ({ HOST: '0.0.0.0' }),
      /HOST: is not a loopback address.*LONGWATCH_API_KEYS or LONGWATCH_JWKS_URL/,
    ],
    ['an API without anything to call', [MAIN, 'api'], () => ({}), /LONGWATCH_SIGNING_SECRET: must be set/],
    [
      'workers without anything to call',
      [MAIN, 'worker'],
      () => ({ LONGWATCH_SIGNING_SECRET: 'x'.repeat(32) }),
      /TEMPORAL_ADDRESS.*\n.*DYNAMODB_ENDPOINT.*\n.*SAGEMAKER_ENDPOINT/,
    ],
    [
      'a Temporal that is none',
      [MAIN],
      () => ({ TEMPORAL_CLI_PATH: '/bin/true' }),
      /TEMPORAL_CLI_PATH is \/bin\/true, which cannot be used/,
    ],
    [
      'the demo without a stack',
      ['scripts/demo.ts', '--data-dir', join(folder, 'nothing')],
      () => ({}),
      /Start Longwatch first/,
    ],
  ])('%s', async (_, args, env, sentence) => {
    writeFileSync(join(folder, 'file'), '');
    const { code, output } = await run(args, env());
    expect(output).toMatch(sentence);
    expect(output).not.toMatch(/^ +at /m); // No stack trace.
    expect(code).toBe(1);
    await nothingRuns(folder);
  });
});

it.each(['src/main.ts', 'scripts/demo.ts', 'bench/index.ts'])('%s --help tells how it is used', async (program) => {
  const { code, output } = await run([program, '--help']);
  expect(code).toBe(0);
  expect(output).toMatch(/npm (start|run)/);
});

it(
  'a part that dies takes the stack down, with its last lines and without a rest',
  async () => {
    // As from a fresh checkout: it bundles the workflows itself.
    const stack = await startLongwatch({ TEMPORAL_UI_PORT: '0', LONGWATCH_WORKFLOW_BUNDLE: '' });
    await eventually(
      async () => stack.output(),
      (text) => text.includes('Longwatch is running'),
    );
    const ended = new Promise((resolve) => stack.process.once('exit', resolve));
    const dynamodb = processesOf(stack.dataDir).find((line) => line.includes('dynamodb') && !line.includes('/bin/sh'))!;
    process.kill(Number.parseInt(dynamodb, 10), 'SIGKILL');
    expect(await ended).toBe(1);
    expect(stack.output()).toContain('DynamoDB stopped unexpectedly');
    await nothingRuns(stack.dataDir);
    removeDataDir(stack.dataDir);
  },
  15 * 60_000,
);

it(
  'killed with -9 it leaves nothing running, and starts again with what it acknowledged',
  async () => {
    const first = await startLongwatch({ TEMPORAL_UI_PORT: '0' });
    const body = payment({ transactionId: 'tx-kept' });
    const { status, text } = await first.post('/v1/transactions', body);
    expect(status).toBe(200);
    first.process.kill('SIGKILL');
    await nothingRuns(first.dataDir);
    const second = await startLongwatch({ TEMPORAL_UI_PORT: '0' }, first.dataDir);
    expect((await second.post('/v1/transactions', body)).text).toBe(text);
    expect(await second.stop()).toBe(0);
    await nothingRuns(first.dataDir);
    removeDataDir(first.dataDir);
  },
  15 * 60_000,
);
