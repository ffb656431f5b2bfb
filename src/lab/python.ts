import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from './errors';

const ROOT = join(__dirname, '..', '..');
const VENV = join(ROOT, 'model', '.venv', 'bin', 'python');

/**
 * Returns a Python that has the packages for training: `PYTHON`, the one in `model/.venv`, or `python3`.
 * @throws LabError saying how to install them
 */
export function findPython(): string {
  const python = process.env['PYTHON'] ?? (existsSync(VENV) ? VENV : 'python3');
  const { error, status } = spawnSync(python, ['-c', 'import xgboost, sklearn, numpy']);
  if (status === 0) return python;
  throw new LabError(
    'Training needs Python 3 with the packages of model/requirements.txt; ' +
      `${error ? `${python} does not exist` : `${python} lacks them`}.\n` +
      '  python3 -m venv model/.venv && model/.venv/bin/pip install -r model/requirements.txt\n' +
      'or set PYTHON to one that has them.',
  );
}

/**
 * Runs a script of `model/`.
 * @param onLine called with each complete line of its output
 * @returns the last line of its output
 * @throws LabError with the last lines of its error output if the script fails
 */
export async function runPython(
  python: string,
  script: string,
  args: readonly string[],
  onLine: (line: string) => void,
): Promise<string> {
  const child = spawn(python, ['-u', join(ROOT, 'model', script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, said] = ['', ''];
  child.stdout.on('data', (part: Buffer) => {
    const lines = (out + part.toString()).split('\n');
    out = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine((last = line));
  });
  let last = '';
  child.stderr.on('data', (part: Buffer) => (said = (said + part.toString()).slice(-4_000)));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0) throw new LabError(`model/${script} failed:\n${said.trim().split('\n').slice(-8).join('\n')}`);
  return last;
}
