import { type ChildProcess, fork, spawn } from 'node:child_process';
import { join } from 'node:path';
import { watchChildren } from '../../bench/support/children';

const gone = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

it('a bench that fails leaves no process behind: those that end when told to, and those that do not', async () => {
  const endChildren = watchChildren();
  const loop = fork(join(__dirname, '../../bench/support/busyLoop.ts'), { execArgv: ['--import', 'tsx'] });
  const over = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
  await new Promise((resolve) => over.once('exit', resolve));
  const stubborn = spawn(process.execPath, ['-e', 'process.on("SIGINT", () => undefined); setInterval(() => undefined, 1_000); process.stdout.write("up")'], { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => stubborn.stdout.once('data', resolve));
  await endChildren();
  expect([loop, over, stubborn].map(gone)).toEqual([true, true, true]);
  expect(stubborn.signalCode).toBe('SIGKILL');
}, 120_000);
