import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { Temporal, TemporalConfigError, temporalTarget } from '../../../src/gateways/temporal';
import { type Certificate, makeCertificates } from '../../support/certificates';
import { startTestGraph, type TestGraph } from '../../support/graph';
import { startProcess } from '../../support/process';
import { eventually } from '../../support/stack';
import { startTestTemporal, type TestTemporal } from '../../support/temporal';
import { startTemporalGate, type TemporalGate } from '../../support/temporalGate';

const KEY = 'key-of-the-namespace';
const folder = mkdtempSync(join(tmpdir(), 'longwatch-tls-'));
const at = (name: 'authority' | 'client', what: keyof Certificate) => join(folder, `${name}-${what}.pem`);
let temporal: TestTemporal;
let gate: TemporalGate;

beforeAll(async () => {
  const { authority, server, client } = await makeCertificates();
  for (const [name, { cert, key }] of [
    ['authority', authority],
    ['client', client],
  ] as const) {
    writeFileSync(at(name, 'cert'), cert);
    writeFileSync(at(name, 'key'), key);
  }
  temporal = await startTestTemporal();
  gate = await startTemporalGate(temporal.address, { authority, server }, KEY);
}, 900_000);
afterAll(async () => {
  await gate?.close();
  await temporal?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const settings = () => ({
  TEMPORAL_ADDRESS: gate.address,
  TEMPORAL_API_KEY: KEY,
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: at('authority', 'cert'),
  TEMPORAL_TLS_CLIENT_CERT_PATH: at('client', 'cert'),
  TEMPORAL_TLS_CLIENT_KEY_PATH: at('client', 'key'),
});
const targetOf = (env: Record<string, string | undefined>) => temporalTarget({ namespace: 'default' }, env);
async function stateOf(env: Record<string, string | undefined>): Promise<string> {
  const client = new Temporal(targetOf(env));
  try {
    return await client.state();
  } finally {
    await client.close();
  }
}

describe('a Temporal behind TLS, certificates and an API key', () => {
  it('is reached by variables, by clients and workers alike', async () => {
    const before = gate.passed;
    expect(await stateOf(settings())).toBe('ok');
    const native = await NativeConnection.connect(targetOf(settings()).connection);
    await native.workflowService.describeNamespace({ namespace: 'default' });
    await native.close();
    expect(gate.passed).toBeGreaterThan(before + 1);
  });

  it('is reached by a profile of Temporal’s config file, namespace included', async () => {
    const file = join(folder, 'temporal.toml');
    writeFileSync(
      file,
      `[profile.production]\naddress = "${gate.address}"\nnamespace = "default"\napi_key = ` +
        `"${KEY}"\n[profile.production.tls]\nserver_ca_cert_path = "${at('authority', 'cert')}"\nclient_cert_path ` +
        `= "${at('client', 'cert')}"\nclient_key_path = "${at('client', 'key')}"\n`,
    );
    const env = { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'production' };
    expect(await stateOf(env)).toBe('ok');
    expect(temporalTarget({ namespace: 'another' }, env).namespace).toBe('default');
  });

  it.each<[string, () => Record<string, string>]>([
    ['without its key', () => ({ TEMPORAL_API_KEY: '' })],
    ['with another key', () => ({ TEMPORAL_API_KEY: 'wrong' })],
    ['without a client’s certificate', () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: '', TEMPORAL_TLS_CLIENT_KEY_PATH: '' })],
    ['under an authority that did not sign it', () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: at('client', 'cert') })],
    ['under a name that is not its own', () => ({ TEMPORAL_TLS_SERVER_NAME: 'elsewhere.example' })],
  ])('is not reached %s', async (_how, change) => {
    expect(await stateOf({ ...settings(), ...change() })).toBe('unavailable');
  });

  it('that lets nobody ask for search attributes is taken to have them; one that lacks them says so', async () => {
    const client = new Temporal(targetOf(settings()));
    try {
      await expect(client.ensureSearchAttributes()).resolves.toBeUndefined();
      gate.forbidden = /ListSearchAttributes|AddSearchAttributes/;
      await expect(client.ensureSearchAttributes()).resolves.toBeUndefined();
      const { connection } = client.client;
      gate.forbidden = /nothing/;
      await (connection as Connection).operatorService.removeSearchAttributes({
        namespace: 'default',
        searchAttributes: ['LongwatchDueAt'],
      });
      gate.forbidden = /AddSearchAttributes/;
      await expect(
        eventually(
          () => client.ensureSearchAttributes().then(() => 'there' as const),
          () => false,
        ),
      ).rejects.toThrow('lacks search attributes that we may not add: LongwatchDueAt (DATETIME)');
      delete gate.forbidden;
      await client.ensureSearchAttributes();
    } finally {
      delete gate.forbidden;
      await client.close();
    }
  });

  it('serves a worker’s process, which says that it is ready', async () => {
    let graph: TestGraph | undefined;
    try {
      graph = await startTestGraph();
      const worker = startProcess('worker', {
        ...graph.environment,
        ...settings(),
        LONGWATCH_WORKER_PORT: '0',
        LONGWATCH_QUEUES: 'operations',
      });
      const url = `${await worker.said(/health and metrics.*?(http:\S+)/)}/readyz`;
      const answer = await eventually(
        () => fetch(url).then((one) => one.json() as Promise<object>),
        (body) => (body as { status?: string }).status === 'ready',
      );
      expect(answer).toMatchObject({ temporal: 'ok', worker: 'ok' });
      expect((await worker.end()).code).toBe(0);
    } finally {
      await graph?.stop();
    }
  });
});

it('a start whose first calls Temporal does not answer says what it waits for, and goes on once it does', async () => {
  let graph: TestGraph | undefined;
  try {
    graph = await startTestGraph();
    gate.unanswered = { path: /ListSearchAttributes/, times: 3 };
    const { environment } = graph;
    const all = startProcess('all', {
      ...environment,
      ...settings(),
      LONGWATCH_AWS: 'true',
      LONGWATCH_DATA_DIR: join(folder, 'data'),
      LONGWATCH_LOG_LEVEL: 'warn',
    });
    expect(await all.said(/(connecting to Temporal at)/)).toBeDefined();
    expect(await all.said(/(waiting for its search attributes)/)).toBeDefined();
    expect(await all.said(/(Longwatch is running)/)).toBeDefined();
    expect(gate.unanswered.times).toBeLessThan(1);
    expect((await all.end()).code).toBe(0);
  } finally {
    delete gate.unanswered;
    await graph?.stop();
  }
});

it('a start that Temporal refuses for good ends with a sentence', async () => {
  const client = new Temporal(targetOf({ ...settings(), TEMPORAL_API_KEY: 'wrong' }));
  try {
    await expect(client.ensureSearchAttributes()).rejects.toThrow(
      /Temporal refuses this process: .*unauthenticated.* Check TEMPORAL_ADDRESS/,
    );
    await expect(client.ensureSearchAttributes()).rejects.toThrow(TemporalConfigError);
  } finally {
    await client.close();
  }
});

describe('settings that cannot be used are named', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    [
      'a certificate without its key',
      { TEMPORAL_ADDRESS: 'x:1', TEMPORAL_TLS_CLIENT_CERT_DATA: 'pem' },
      /needs its key: set TEMPORAL_TLS_CLIENT_KEY_PATH/,
    ],
    [
      'a file that is not there',
      { TEMPORAL_ADDRESS: 'x:1', TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere/ca.pem' },
      /\/nowhere\/ca\.pem/,
    ],
    ['a profile that is none', { TEMPORAL_CONFIG_FILE: '/dev/null', TEMPORAL_PROFILE: 'production' }, /production/],
  ])('%s', (_what, env, sentence) => {
    expect(() => targetOf(env)).toThrow(sentence);
    expect(() => targetOf(env)).toThrow(TemporalConfigError);
  });

  it('an address that is given, as of the embedded server, asks nobody else', () => {
    expect(temporalTarget({ address: '127.0.0.1:7233', namespace: 'default' }, settings())).toEqual({
      connection: { address: '127.0.0.1:7233' },
      namespace: 'default',
    });
  });
});
