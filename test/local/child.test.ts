import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild } from '../../src/local/child';
import { eventually } from '../support/stack';

let folder: string;
let children: Child[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwatch-child-'));
});
afterEach(async () => {
  await Promise.all(children.map((child) => child.stop(0)));
  children = [];
  rmSync(folder, { recursive: true, force: true });
});

const logFile = () => join(folder, 'logs', 'child.log');
const start = (script: string): Child => {
  const child = startChild({ name: 'child', command: '/bin/sh', args: ['-c', script], logFile: logFile() });
  children.push(child);
  return child;
};
/** Waits for the process id that a script wrote into a file. */
const pidIn = async (name: string): Promise<number> => {
  const file = join(folder, name);
  return Number(await eventually(async () => (existsSync(file) ? readFileSync(file, 'utf8').trim() : ''), Boolean));
};
const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

it('ends with what it printed kept, and says how it ended', async () => {
  const child = start('for i in 1 2 3 4; do echo line $i; done; exit 7');
  expect(await child.ended).toBe('ended with code 7');
  expect(child.hasEnded()).toBe(true);
  expect(child.lastLines(2)).toBe('line 3\nline 4');
});

it('keeps what the run before printed', async () => {
  await start('echo before').ended;
  await start('echo now').ended;
  expect([readFileSync(`${logFile()}.1`, 'utf8'), readFileSync(logFile(), 'utf8')]).toEqual(['before\n', 'now\n']);
});

it('that is not there ends, and says so', async () => {
  const child = startChild({ name: 'child', command: join(folder, 'nothing'), args: [], logFile: logFile() });
  expect(await child.ended).toBe('ended with code 127');
});

it('is asked to stop, and may clear up', async () => {
  const child = start(`trap 'echo cleared up; exit 0' TERM; echo $$ > ${folder}/pid; while :; do sleep 0.1; done`);
  const pid = await pidIn('pid');
  await child.stop();
  expect(child.lastLines(1)).toBe('cleared up');
  expect(lives(pid)).toBe(false);
});

it('that will not stop is made to, with all that it started', async () => {
  const child = start(
    `trap '' TERM; sh -c 'trap "" TERM; echo $$ > ${folder}/grandchild; while :; do sleep 0.1; done' & while :; ` +
      'do sleep 0.1; done',
  );
  const grandchild = await pidIn('grandchild');
  await child.stop(500);
  // Dead at once; gone when whoever inherited it has noticed.
  await eventually(
    async () => lives(grandchild),
    (alive) => !alive,
  );
});

it('dies with its parent, also when that is killed with -9', async () => {
  const parentScript = join(folder, 'parent.ts');
  const module = join(__dirname, '..', '..', 'src', 'local', 'child.ts');
  writeFileSync(
    parentScript,
    `const { startChild } = require(${JSON.stringify(module)});
     startChild({
       name: 'child',
       command: '/bin/sh',
       args: ['-c', 'echo $$ > ${folder}/pid; exec sleep 600'],
       logFile: ${JSON.stringify(logFile())},
     });
     setInterval(() => undefined, 1000);`,
  );
  const parent = spawn(process.execPath, ['--import', 'tsx', parentScript], {
    stdio: 'inherit',
    cwd: join(__dirname, '..', '..'),
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const pid = await pidIn('pid');
  expect(lives(pid)).toBe(true);
  parent.kill('SIGKILL');
  await eventually(
    async () => lives(pid),
    (alive) => !alive,
  );
});
