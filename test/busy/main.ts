import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { argumentsOf } from '../../scripts/commandLine';
import { oneLine, readResults, slowest } from './results';

/** Keeps one core busy until it is killed, or its parent has died. */
const LOOP = `
const parent = process.ppid;
for (;;) {
  for (const end = Date.now() + 1000; Date.now() < end; );
  if (process.ppid !== parent) process.exit();
}`;

const ROOT = join(__dirname, '..', '..');

async function main(): Promise<number> {
  const {
    rounds,
    loops,
    roundMinutes: minutes,
    files,
  } = argumentsOf(
    {
      name: 'test:busy',
      positionals: '[files..]',
      about: 'Runs the tests several times beside busy loops. A test that needs a quiet machine fails here.',
      examples: [
        ['--rounds 5', 'all tests, five times'],
        ['test/api/carts --rounds 20', 'the tests of one folder'],
      ],
    },
    (cli) =>
      cli
        .positional('files', { type: 'string', array: true, default: [], describe: 'Test files or folders' })
        .option('rounds', { type: 'number', default: 5, describe: 'Number of runs' })
        .option('loops', {
          type: 'number',
          default: availableParallelism(),
          defaultDescription: 'one for each core',
          describe: 'Busy loops beside the tests',
        })
        .option('round-minutes', {
          type: 'number',
          default: 60,
          describe: 'Minutes after which a run is ended and counts as failed',
        }),
  );
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-busy-'));
  const busy = Array.from({ length: loops }, () => spawn(process.execPath, ['-e', LOOP], { stdio: 'ignore' }));
  const lines: string[] = [];
  let passed = 0;
  try {
    for (let round = 1; round <= rounds; round++) {
      const file = join(folder, `${round}.json`);
      const { code, seconds, isLate } = await runTests(['--json', `--outputFile=${file}`, ...files], minutes);
      // A loop that ended would make the round an easier one than it says.
      const lost = busy.filter(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null).length;
      const isGood = code === 0 && lost === 0;
      if (isGood) passed++;
      const results = readResults(file);
      const told = [
        oneLine(results),
        ...(isLate ? [`ended after ${minutes} minutes`] : []),
        ...(lost > 0 ? [`${lost} of ${loops} busy loops ended by themselves`] : []),
      ].join('; ');
      lines.push(`round ${round}: ${isGood ? 'passed' : 'FAILED'} in ${(seconds / 60).toFixed(1)} min, ${told}`);
      console.log(`\n${lines.at(-1)}\n${slowest(results, 10)}\n`);
    }
  } finally {
    for (const loop of busy) loop.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${lines.join('\n')}\n\n${passed} of ${rounds} rounds passed beside ${loops} busy loops`);
  return passed === rounds ? 0 : 1;
}

/** The tests as `npm test` runs them, in a process of their own. */
async function runTests(
  args: string[],
  minutes: number,
): Promise<{ code: number | null; seconds: number; isLate: boolean }> {
  const from = performance.now();
  const jest: ChildProcess = spawn(process.execPath, [join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js'), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    jest.kill('SIGKILL');
  }, minutes * 60_000);
  const code = await new Promise<number | null>((resolve) => jest.once('exit', resolve));
  clearTimeout(timer);
  return { code, seconds: (performance.now() - from) / 1_000, isLate };
}

void main().then((code) => (process.exitCode = code));
