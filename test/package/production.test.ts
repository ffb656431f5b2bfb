import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { workflowBundle } from '../support/bundle';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { type RunningProcess, startProcess } from '../support/process';
import { eventually } from '../support/stack';
import { startTestTemporal, type TestTemporal } from '../support/temporal';

const ROOT = join(__dirname, '..', '..');
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const EMBEDDED = ['aedes', 'kinesalite', 's3rver'];
const install = mkdtempSync(join(tmpdir(), 'longwatch-production-'));
let temporal: TestTemporal;
let graph: TestGraph;
let bundle: string;

interface LockEntry {
  dev?: boolean;
  optional?: boolean;
  devOptional?: boolean;
}

/** What `npm ci --omit=dev --omit=optional` installs, by the lock file; linked from here. */
function installProduction(): void {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockEntry>;
  };
  for (const [path, { dev, optional, devOptional }] of Object.entries(packages)) {
    if (!/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) || dev || optional || devOptional) continue;
    mkdirSync(dirname(join(install, path)), { recursive: true });
    symlinkSync(join(ROOT, path), join(install, path));
  }
  for (const part of ['package.json', 'web', 'model/fraud.json', 'model/fraud.card.json', 'model/fraud.baseline.json'])
    cpSync(join(ROOT, part), join(install, part), { recursive: true });
  execFileSync(process.execPath, [TSC, '-p', 'tsconfig.build.json', '--outDir', join(install, 'dist')], {
    cwd: ROOT,
    stdio: 'inherit',
  });
}

beforeAll(async () => {
  installProduction();
  [temporal, { codePath: bundle }] = await Promise.all([startTestTemporal(), workflowBundle()]);
  graph = await startTestGraph({}, temporal.address);
}, 900_000);
afterAll(async () => {
  await graph?.stop();
  await temporal?.stop();
  rmSync(install, { recursive: true, force: true });
});

const start = (mode: 'all' | 'api' | 'worker', env: Record<string, string> = {}): RunningProcess =>
  startProcess(
    mode,
    {
      ...graph.environment,
      TEMPORAL_ADDRESS: temporal.address,
      LONGWATCH_WORKER_PORT: '0',
      LONGWATCH_WORKFLOW_BUNDLE: bundle,
      NODE_PRESERVE_SYMLINKS: '1',
      ...env,
    },
    install,
  );

it('has none of the embedded servers', () => {
  const { dependencies, optionalDependencies, devDependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>;
  for (const name of EMBEDDED)
    expect([
      name,
      existsSync(join(install, 'node_modules', name)),
      dependencies![name],
      optionalDependencies![name] !== undefined,
    ]).toEqual([name, false, undefined, true]);
  const all = [dependencies!, optionalDependencies!, devDependencies!].flatMap((section) => Object.keys(section));
  expect(all.filter((name, i) => all.indexOf(name) !== i)).toEqual([]);
});

it('nothing outside of src/local names them', () => {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('local/'),
  );
  const names = new RegExp(`['"](${EMBEDDED.join('|')})(/[^'"]*)?['"]`);
  expect(sources.filter((file) => names.test(readFileSync(join(ROOT, 'src', file), 'utf8')))).toEqual([]);
});

it('serves the API and the workers against configured endpoints', async () => {
  const api = start('api', { LONGWATCH_API_KEYS: `service:service:${bearer('service')[1].slice('Bearer '.length)}` });
  const worker = start('worker');
  const url = await api.said(/at (http:\S+?); workflows start/);
  expect(
    (
      await fetch(`${url}/v1/users/ada`, {
        method: 'PUT',
        headers: { authorization: bearer('service')[1], 'content-type': 'application/json' },
        body: '{"name":"Ada"}',
      })
    ).status,
  ).toBe(201);
  const health = `${await worker.said(/health and metrics.*?(http:\S+)/)}/readyz`;
  await eventually(
    () => fetch(health).then((one) => one.json() as Promise<{ status?: string }>),
    ({ status }) => status === 'ready',
  );
  expect((await api.end()).code).toBe(0);
  expect((await worker.end()).code).toBe(0);
});

it('says what to install where something is to be embedded', async () => {
  const { KINESIS_ENDPOINT: _none, ...environment } = graph.environment;
  const all = startProcess(
    'all',
    {
      ...environment,
      TEMPORAL_ADDRESS: temporal.address,
      LONGWATCH_DATA_DIR: join(install, 'data'),
      NODE_PRESERVE_SYMLINKS: '1',
      DYNAMODB_ENDPOINT: graph.environment['DYNAMODB_ENDPOINT'],
    },
    install,
  );
  expect(
    await all.said(
      /(The embedded (?:Kinesis|S3|MQTT broker) needs the package \w+, which this installation leaves out\. Install it with npm ci --omit=dev, or set \w+)/,
    ),
  ).toBeDefined();
  await eventually(
    async () => all.process.exitCode,
    (code) => code !== null,
  );
  expect(all.process.exitCode).toBe(1);
});
