import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartError } from '../../src/local/errors';
import { startMqtt } from '../../src/local/nodeServer';
import { listenerOf } from '../../src/local/portOwner';
import { bindPort, listenOn, startOnPort, waitForPort } from '../../src/local/ports';
import { holdTemporalPorts, startTemporal } from '../../src/local/temporal';
import { findTemporal } from '../../src/local/temporalCli';

const servers: Server[] = [];
const processes: ChildProcess[] = [];
afterEach(() => {
  servers.splice(0).forEach((server) => server.close());
  processes.splice(0).forEach((process) => process.kill('SIGKILL'));
});
async function taken(port = 0): Promise<number> {
  const server = createServer((socket) => void socket.destroy());
  servers.push(server);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
const hold = async (port = 0) => (await bindPort({ port }))!;

it('a port that is free is held, one that is taken replaced by another', async () => {
  const busy = await taken();
  const other = await hold(busy);
  expect(other.port).not.toBe(busy);
  await other.release();
  const again = await hold(other.port);
  expect(again.port).toBe(other.port);
  await again.release();
});

it('a port that is held is nobody else’s until it is handed over', async () => {
  const { port, release } = await hold();
  await expect(taken(port)).rejects.toThrow('EADDRINUSE');
  expect(await bindPort({ port, only: true })).toBeUndefined();
  await release();
  expect(await taken(port)).toBe(port);
});

it('who connects to a held port is cut at once, and does not keep it from being handed over', async () => {
  const { port, release } = await hold();
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  await new Promise((resolve) => socket.once('close', resolve));
  const late = connect(port, '127.0.0.1').on('error', () => undefined);
  await release();
  expect(await taken(port)).toBe(port);
  late.destroy();
});

it('a port that was handed over is given to nobody who asks for any port', async () => {
  if (process.platform !== 'linux') return; // Elsewhere the system gives free ports in turn.
  const handed = await hold();
  await handed.release();
  // As many as there are ports for it to be among them, were it free: those that are given stay taken.
  const given = new Set<number>();
  const many: Server[] = [];
  try {
    for (let i = 0; i < 3_000; i++) {
      const server = createServer();
      many.push(server);
      given.add(await listenOn(server, 0));
    }
  } finally {
    many.forEach((server) => server.close());
  }
  expect(given).not.toContain(handed.port);
});

it('two that want the same port at once get different ones', async () => {
  const usual = await hold();
  await usual.release();
  const holds = await Promise.all(Array.from({ length: 8 }, () => hold(usual.port)));
  const ports = holds.map(({ port }) => port);
  expect(new Set(ports).size).toBe(8);
  expect(ports).toContain(usual.port);
  await Promise.all(holds.map(({ release }) => release()));
});

it('a server of ours listens on the usual port, or on another when that is taken', async () => {
  const busy = await taken();
  const server = createHttpServer();
  servers.push(server);
  const port = await listenOn(server, busy);
  expect(port).not.toBe(busy);
  expect((server.address() as AddressInfo).port).toBe(port);
  await expect(listenOn(createHttpServer(), busy, { only: true })).rejects.toThrow('EADDRINUSE');
});

it('an embedded server whose usual port is taken says which one it has', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-ports-'));
  const both = await Promise.all([
    startMqtt({ dataDir: join(dataDir, '1') }),
    startMqtt({ dataDir: join(dataDir, '2') }),
  ]);
  const ports = both.map(({ url }) => Number(new URL(url).port));
  expect(new Set(ports).size).toBe(2);
  expect(both.map(({ child }, i) => listenerOf(ports[i]!, child.pid))).toEqual(['group', 'group']);
  await Promise.all(both.map(({ child }) => child.stop()));
  rmSync(dataDir, { recursive: true, force: true });
});

it('tells whose listener a port has', async () => {
  const port = await taken();
  const other = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], {
    detached: true,
    stdio: 'ignore',
  });
  processes.push(other);
  expect(listenerOf(port, other.pid!)).toBe('another');
  const free = await hold();
  await free.release();
  expect(listenerOf(free.port, other.pid!)).toBe('unknown');
});

it('is waited for until somebody listens, or until it is given up', async () => {
  expect(await waitForPort(await taken(), () => false)).toBe(true);
  const free = await hold();
  await free.release();
  expect(await waitForPort(free.port, () => false, 100)).toBe(false);
  expect(await waitForPort(free.port, () => true)).toBe(false);
});

it('a start that fails otherwise is not tried again', async () => {
  let tries = 0;
  await expect(startOnPort(() => Promise.reject(new StartError(`no ${++tries}`)))).rejects.toThrow('no 1');
});

describe('Temporal', () => {
  it('a Web UI port that was asked for and is taken is said in a sentence', async () => {
    const port = await taken();
    await expect(holdTemporalPorts({ grpc: { port: 0 }, ui: { port, only: true } })).rejects.toThrow(
      `Port ${port}, set by TEMPORAL_UI_PORT, is in use. Choose another port, or unset TEMPORAL_UI_PORT`,
    );
    const { held } = await holdTemporalPorts({ grpc: { port: 0 }, ui: { port } });
    expect(held.ui.port).not.toBe(port);
    await Promise.all([held.ui.release(), held.grpc.release()]);
  });

  // Race: between the choice of a port and its bind by Temporal's server, a neighbour takes it.
  it.each(['grpc', 'ui'] as const)(
    'its server starts on other ports when a neighbour takes the port of its %s before it is bound',
    async (which) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-ports-'));
      const lost: number[] = [];
      let asked = 0;
      const hijacked: typeof bindPort = async (wanted) => {
        const held = await bindPort(wanted);
        const isFirst = ++asked === (which === 'ui' ? 1 : 2); // The Web UI's is asked for first.
        if (!held || !isFirst) return held;
        return {
          ...held,
          async release() {
            await held.release();
            lost.push(await taken(held.port));
          },
        };
      };
      const told: string[] = [];
      const bound: string[] = [];
      const { child, address, uiUrl } = await startTemporal({
        executable: await findTemporal({ onStage: () => undefined }),
        dataDir,
        inMemory: true,
        namespace: 'default',
        searchAttributes: { Colour: 'Keyword' },
        hold: hijacked,
        onTaken: ({ message }) => told.push(message),
        onBound: (ports) => bound.push(ports.address),
      });
      try {
        expect(told).toEqual([expect.stringContaining('another process took port')]);
        expect([address.split(':')[1], new URL(uiUrl).port]).not.toContain(String(lost[0]));
        expect(bound).toEqual([address]);
      } finally {
        await child.stop();
        rmSync(dataDir, { recursive: true, force: true });
      }
    },
    15 * 60_000,
  );
});
