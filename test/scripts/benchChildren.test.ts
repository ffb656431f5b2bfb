import { type ChildProcess, fork, spawn } from 'node:child_process';
import { join } from 'node:path';
import { watchChildren } from '../../bench/support/children';
import { eventually } from '../support/eventually';

const gone = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

it('a bench that fails leaves no process behind: those that end when told to, and those that do not', async () => {
  const endChildren = watchChildren();
  const loop = fork(join(__dirname, '../../bench/support/busyLoop.ts'), { execArgv: ['--import', 'tsx'] });
  const over = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
  await new Promise((resolve) => over.once('exit', resolve));
  const stubborn = spawn(
    process.execPath,
    ['-e', 'process.on("SIGINT", () => undefined); setInterval(() => undefined, 1_000); process.stdout.write("up")'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  await new Promise((resolve) => stubborn.stdout.once('data', resolve));
  await endChildren();
  expect([loop, over, stubborn].map(gone)).toEqual([true, true, true]);
  expect(stubborn.signalCode).toBe('SIGKILL');
});

describe('a bench whose own process ends early', () => {
  const runs = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  it.each([
    ['told to end', ''],
    ['by an exception that no code catches', 'setTimeout(() => { throw new Error("stray"); }, 100);'],
    ['by a rejection that no code handles', 'setTimeout(() => void Promise.reject(new Error("forgotten")), 100);'],
  ])('%s, ends what it has started', async (_how, fault) => {
    const children = join(__dirname, '../../bench/support/children.ts');
    const code = `
      const { endTogether, watchChildren } = require(${JSON.stringify(children)});
      endTogether(watchChildren());
      const busy = ['-e', 'setInterval(() => undefined, 1000)'];
      const child = require('node:child_process').spawn(process.execPath, busy, { stdio: 'ignore' });
      console.log(child.pid);
      ${fault}
      setInterval(() => undefined, 1000);`;
    const bench = spawn(process.execPath, ['--import', 'tsx', '-e', code], {
      stdio: ['ignore', 'pipe', 'ignore'],
      cwd: join(__dirname, '../..'),
    });
    const ended = new Promise<number | null>((resolve) => bench.once('exit', resolve));
    const pid = Number(
      await new Promise<string>((resolve) => bench.stdout.once('data', (part: Buffer) => resolve(part.toString()))),
    );
    expect(runs(pid)).toBe(true);
    if (fault === '') bench.kill('SIGTERM');
    expect(await ended).toBe(1);
    await eventually(
      async () => runs(pid),
      (found) => !found,
    );
  });
});
