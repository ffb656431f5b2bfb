import { spawn } from 'node:child_process';
import { removeDataDir, type RunningStack, startLongwatch } from '../support/stack';

let stack: RunningStack;
beforeAll(async () => {
  stack = await startLongwatch({ TEMPORAL_UI_PORT: '0' });
}, 15 * 60_000);
afterAll(async () => {
  await stack?.stop();
  if (stack) removeDataDir(stack.dataDir);
});

/** `npm run demo -- …` against the stack, as a user types it. */
function demo(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/demo.ts', '--data-dir', stack.dataDir, ...args], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let output = '';
  child.stdout.on('data', (part: Buffer) => (output += part.toString()));
  child.stderr.on('data', (part: Buffer) => (output += part.toString()));
  return new Promise((resolve) => child.once('exit', (code) => resolve({ code, output })));
}

it('shows all six capabilities, and some of them again', async () => {
  const all = await demo('--customers', '10', '--days', '2');
  expect(all.output).toMatch(/fraud .*payments decided/);
  for (const seen of [
    '3 sessions opened, all ended at once, none revived',
    'one order for two confirmations',
    '60 players ranked exactly; the season ended on time with 3 rewards',
    'unfollow, edit and delete visible in the next read',
    'one alert sent, the day in Parquet and still readable',
  ])
    expect(all.output).toContain(seen);
  const ui = /Web UI +(http\S+)/.exec(stack.output())![1]!;
  expect(all.output).toContain(`${ui}/namespaces/default/workflows/season%2F`);
  expect(all.code).toBe(0);

  const again = await demo('carts', 'devices');
  expect(again.output).toContain('one order for two confirmations');
  expect(again.output).toContain('one alert sent');
  expect(again.output).not.toContain('players ranked');
  expect(again.code).toBe(0);
});

it('says what is wrong: a demo that is none, a Longwatch that does not run', async () => {
  const unknown = await demo('feds');
  expect(unknown).toEqual({
    code: 1,
    output:
      'capabilities must be one of fraud, sessions, carts, leaderboards, feeds, devices, found "feds"; ' +
      'did you mean feeds?\n',
  });
  const nowhere = await demo('carts', '--url', 'http://127.0.0.1:1');
  expect(nowhere).toEqual({
    code: 1,
    output: expect.stringContaining('Longwatch does not answer at http://127.0.0.1:1. Start it first: npm start'),
  });
});
