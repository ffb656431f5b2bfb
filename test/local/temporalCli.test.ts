import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FindTemporal, findTemporal } from '../../src/local/temporalCli';
import { downloadTemporal } from '../../src/local/temporalDownload';
import { eventually } from '../support/stack';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'longwatch-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const GOOD = 'temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)';

/** A program of the shell. Its interpreter is on no PATH that these tests look in. */
function program(path: string, script: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const cacheDir = () => join(folder, 'cache');
const stages: string[] = [];
/** Looks where the test says, and nowhere else. */
const find = (over: Partial<FindTemporal> = {}) =>
  findTemporal({
    onStage: (stage) => void stages.push(stage),
    path: join(folder, 'bin'),
    cacheDir: cacheDir(),
    downloadUrl: null,
    ...over,
  });

/** A server of archives; how many it gave out. */
async function withArchive(
  script: string,
  work: (url: string, requests: () => number) => Promise<void>,
): Promise<void> {
  program(join(folder, 'archive', 'temporal'), script);
  const { stdout } = spawnSync('tar', ['-czf', '-', '-C', join(folder, 'archive'), 'temporal']);
  let requests = 0;
  await withServer(
    (server) => server.on('request', (_, response) => (requests++, response.end(stdout))),
    (url) => work(url, () => requests),
  );
}

async function withServer(prepare: (server: Server) => void, work: (url: string) => Promise<void>): Promise<void> {
  const server = createServer();
  prepare(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('the executable of TEMPORAL_CLI_PATH', () => {
  it('is used', async () => {
    const cliPath = program(join(folder, 'mine'), `echo '${GOOD}'`);
    expect(await find({ cliPath })).toBe(cliPath);
  });

  it.each([
    ['is not there', undefined, 'is not an executable file'],
    ['is something else', 'echo hello', 'its version output is "hello"'],
    ['fails', 'exit 3', 'exit code 3'],
    ['is too old', "echo 'temporal version 1.0.0 (Server 1.24.2, UI 2.30.3)'", 'its server must be 1.28 or later'],
  ])('that %s is refused, and nothing else is tried', async (_, script, why) => {
    const cliPath = join(folder, 'mine');
    if (script !== undefined) program(cliPath, script);
    await expect(find({ cliPath })).rejects.toThrow(why);
    expect(existsSync(cacheDir())).toBe(false);
  });
});

describe('without one given', () => {
  it('the one on PATH is used', async () => {
    const installed = program(join(folder, 'bin', 'temporal'), `echo '${GOOD}'`);
    expect(await find()).toBe(installed);
  });

  it('the cached one takes the place of one on PATH that is too old, and it is said', async () => {
    program(join(folder, 'bin', 'temporal'), "echo 'temporal version 1.0.0 (Server 1.24.2, UI 2.30.3)'");
    const cached = program(join(cacheDir(), 'temporal'), `echo '${GOOD}'`);
    expect(await find()).toBe(cached);
    expect(stages.at(-1)).toContain('it is too old');
  });

  it('downloads one, once, however many ask at once, and keeps it for all', async () => {
    await withArchive(`echo '${GOOD}'`, async (downloadUrl, requests) => {
      const found = await Promise.all([find({ downloadUrl }), find({ downloadUrl }), find({ downloadUrl })]);
      expect(new Set(found)).toEqual(new Set([join(cacheDir(), 'temporal')]));
      expect(requests()).toBe(1);
      expect(await find({ downloadUrl })).toBe(found[0]);
      expect(requests()).toBe(1);
    });
    expect(readdirSync(cacheDir())).toEqual(['temporal']);
  });

  it('a download that is not what it should be is not kept', async () => {
    await withArchive('echo hello', async (downloadUrl) => {
      await expect(find({ downloadUrl })).rejects.toThrow('it is not a Temporal CLI');
    });
    expect(readdirSync(cacheDir())).toEqual([]);
  });

  it('a server that never answers is not waited for', async () => {
    const work = join(folder, 'work');
    await withServer(
      (server) => server.on('request', () => undefined),
      async (url) => {
        expect(await downloadTemporal({ work, url, onStage: () => undefined, answerWithinMs: 100 })).toEqual({
          failed: expect.stringMatching(/^the download from 127.0.0.1:\d+ failed \(no answer within 0.1 s\)$/),
        });
      },
    );
  });

  it('a torn download says so', async () => {
    const tear: Parameters<typeof withServer>[0] = (server) =>
      server.on('request', (_, response) =>
        response.writeHead(200, { 'content-length': 1000 }).write('x', () => response.destroy()),
      );
    await withServer(tear, (downloadUrl) =>
      expect(find({ downloadUrl })).rejects.toThrow(/the download from \S+ failed/),
    );
  });

  it('with nothing to be had, every way to one is told, and why each failed', async () => {
    const failure = await find().catch((error: Error) => error.message);
    expect(failure).toContain('there is no download for');
    expect(failure).toContain('Go is not installed');
    for (const way of ['TEMPORAL_ADDRESS', 'TEMPORAL_CLI_PATH', 'temporal.download', 'Go 1.26.4'])
      expect(failure).toContain(way);
  });
});

/**
 * A Go whose `build` does what the script says, so that a build takes seconds; the real one builds in the stack's own
 * tests.
 */
const goWith = (build: string) =>
  program(
    join(folder, 'bin', 'go'),
    `case "$1" in
env) echo go1.26.4 ;;
list) echo example.org/one; echo example.org/two ;;
build) ${build} ;;
esac`,
  );

describe('a build', () => {
  it('is kept for all, and its stages are told', async () => {
    goWith(`while [ "$1" != -o ]; do shift; done; printf '#!/bin/sh\\necho "${GOOD}"\\n' > "$2"; /bin/chmod +x "$2"`);
    expect(await find()).toBe(join(cacheDir(), 'temporal'));
    expect(stages.slice(-2)).toEqual([
      expect.stringContaining('about 5 minutes on 2 cores: resolving modules'),
      expect.stringContaining('compiling'),
    ]);
  });

  it('that fails shows its last lines, where the rest is, and what else would do', async () => {
    goWith('echo "no space left on device" >&2; exit 1');
    const failure = await find().catch((error: Error) => error.message);
    const log = join(cacheDir(), 'build.log');
    expect(failure).toContain(
      `building it with go1.26.4 failed ("go build"; all of it is in ${log}):\n      no space left on device`,
    );
    expect(failure).toContain('Any one of these helps');
    expect(readFileSync(log, 'utf8')).toContain('no space left on device');
    expect(existsSync(join(cacheDir(), 'temporal'))).toBe(false);
  });

  it('that is given up ends at once, and leaves neither a process nor a half-built one', async () => {
    const pidFile = join(folder, 'pid');
    goWith(`echo $$ > ${pidFile}; exec /bin/sleep 600`);
    const stop = new AbortController();
    const finding = find({ signal: stop.signal });
    const given = finding.catch((error: Error) => error.name);
    const pid = Number(await eventually(async () => existsSync(pidFile) && readFileSync(pidFile, 'utf8'), Boolean));
    stop.abort();
    expect(await given).toBe('AbortError');
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(readdirSync(cacheDir()).filter((name) => !name.startsWith('build.log'))).toEqual([]);
  });
});

it('a cache that cannot be written is said in a sentence', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(find({ cacheDir: join(folder, 'file', 'cache') })).rejects.toThrow(
    'Set XDG_CACHE_HOME to a folder that can',
  );
});
