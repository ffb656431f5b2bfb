import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataDir } from '../../src/local/dataDir';
import { LockedError, takeLock, withFileLock } from '../../src/local/fileLock';
import { developmentSecrets } from '../../src/local/secrets';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwatch-folders-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a lock', () => {
  const file = () => join(folder, 'lock');

  it('is one’s alone until it is given back', () => {
    const lock = takeLock(file());
    expect(() => takeLock(file())).toThrow(LockedError);
    lock.release();
    takeLock(file()).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['of a process that is gone', `${2 ** 22 + 1} 1 abc`],
    ['of another process that had the same number', `${process.pid} 1 abc`],
    ['that is damaged', 'what?'],
    ['that is empty', ''],
  ])('%s is taken', (_, content) => {
    writeFileSync(file(), content);
    takeLock(file()).release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of a killed process whose parent never reads its exit code is taken', async () => {
    // The shell's child ends soon; by then the shell has become a program that never waits for it.
    const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
      const fields = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
      while (fields()[0] !== 'Z') await new Promise((resolve) => setTimeout(resolve, 10));
      writeFileSync(file(), `${pid} ${fields()[19]} abc`);
      takeLock(file()).release();
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('given back late does not take another’s away', () => {
    const first = takeLock(file());
    rmSync(file());
    const second = takeLock(file());
    first.release();
    expect(() => takeLock(file())).toThrow(LockedError);
    second.release();
  });

  it('keeps processes apart, also when some of them are killed while they have it', async () => {
    const log = join(folder, 'log');
    writeFileSync(log, '');
    const worker = join(folder, 'worker.ts');
    const module = join(__dirname, '..', '..', 'src', 'local', 'fileLock.ts');
    writeFileSync(
      worker,
      `const { withFileLock } = require(${JSON.stringify(module)});
       const { appendFileSync, readFileSync } = require('node:fs');
       const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
       withFileLock(${JSON.stringify(file())}, { onWait() {} }, async () => {
         appendFileSync(${JSON.stringify(log)}, 'in\\n');
         await wait(50);
         if (process.argv[2] === 'dies') process.kill(process.pid, 'SIGKILL');
         appendFileSync(${JSON.stringify(log)}, 'out\\n');
       });`,
    );
    const cwd = join(__dirname, '..', '..');
    const run = (how: string) =>
      new Promise((resolve) =>
        spawn(process.execPath, ['--import', 'tsx', worker, how], {
          cwd,
          stdio: 'inherit',
          env: { ...process.env, NODE_OPTIONS: '' },
        }).once('exit', resolve),
      );
    await Promise.all(['lives', 'dies', 'lives', 'dies', 'lives'].map(run));
    // Three came out, two died inside; nobody came in while somebody living was in.
    expect(readFileSync(log, 'utf8').replaceAll('in\nout\n', '')).toBe('in\nin\n');
  });

  it('that is waited for comes when it is free, and who waits is told by whom it is held', async () => {
    const lock = takeLock(file());
    const waits: number[] = [];
    const waiting = withFileLock(file(), { onWait: (holder) => void waits.push(holder) }, async () => 'mine');
    setTimeout(() => lock.release(), 300);
    expect(await waiting).toBe('mine');
    expect(waits).toEqual([process.pid]);
  });
});

describe('the data folder', () => {
  it('is made, and is one stack’s alone', () => {
    const path = join(folder, 'deep', 'data');
    const open = openDataDir(path);
    expect(() => openDataDir(path)).toThrow(
      `Another Longwatch (process ${process.pid}) uses ${path}. Stop it, or start this one with another folder and port:\n  ` +
        'LONGWATCH_DATA_DIR=.longwatch-2 PORT=3001 npm start',
    );
    open.release();
    openDataDir(path).release();
  });

  it('that is a file is said in a sentence', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => openDataDir(join(folder, 'file'))).toThrow('is a file or inside a file. Set LONGWATCH_DATA_DIR');
  });

  it('that may not be written is said in a sentence', () => {
    // Who is root may write anywhere but here.
    expect(() => openDataDir('/sys/longwatch')).toThrow(
      /^The data folder \/sys\/longwatch cannot be written \((no permission|read-only file system)\)\. Set LONGWATCH/,
    );
  });

  it('on a full disk is said in a sentence', () => {
    expect(() => openDataDir(folder, 1e9)).toThrow(
      /^The disk with the data folder .* is full: only \d+ MB are free, and 1000000000 MB are required\. Free/,
    );
  });
});

describe('development secrets', () => {
  it('are made once, for their owner alone', () => {
    const made = developmentSecrets(folder);
    expect(developmentSecrets(folder)).toEqual(made);
    expect(developmentSecrets(join(folder, 'other'))).not.toEqual(made);
    const file = join(folder, 'secrets.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o644);
    developmentSecrets(folder);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('that are damaged stop the start, since new ones would break links already sent; they are not shown', () => {
    writeFileSync(join(folder, 'secrets.json'), '{"apiKey":"dev-secret"');
    expect(() => developmentSecrets(folder)).toThrow(
      /secrets\.json is damaged\. Delete it; the next start creates new keys$/,
    );
    writeFileSync(join(folder, 'secrets.json'), '{"apiKey":"dev-secret"}');
    expect(() => developmentSecrets(folder)).toThrow('is damaged');
  });
});
