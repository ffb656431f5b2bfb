import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { claimExactly, claimPort, isFree, waitForPort } from '../../src/local/ports';
import { claimTemporalPorts } from '../../src/local/temporal';

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));
async function taken(): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

it('a port that is free is given, one that is taken replaced by another', async () => {
  const busy = await taken();
  const other = await claimPort(busy);
  expect(other.port).not.toBe(busy);
  other.release();
  const again = await claimPort(other.port);
  expect(again.port).toBe(other.port);
  again.release();
});

it('two that want the same port at once get different ones, before either listens', async () => {
  const usual = await claimPort();
  usual.release();
  const claims = await Promise.all(Array.from({ length: 8 }, () => claimPort(usual.port)));
  expect(new Set(claims.map(({ port }) => port)).size).toBe(8);
  claims.forEach(({ release }) => release());
});

it('a port that must be that one is that one or none', async () => {
  expect(await claimExactly(await taken())).toBeUndefined();
  const { port, release } = (await claimExactly((await claimPort()).port)) ?? (await claimPort());
  expect(await claimExactly(port)).toBeUndefined();
  release();
});

it('is waited for until somebody listens, or until it is given up', async () => {
  const port = await taken();
  expect(await waitForPort(port, () => false)).toBe(true);
  expect(await isFree(port)).toBe(false);
  const free = await claimPort();
  expect(await waitForPort(free.port, () => false, 100)).toBe(false);
  expect(await waitForPort(free.port, () => true)).toBe(false);
  free.release();
});

it('a Web UI port that was asked for and is taken is said in a sentence', async () => {
  const port = await taken();
  await expect(claimTemporalPorts(port, true)).rejects.toThrow(`Port ${port}, which TEMPORAL_UI_PORT asks for, is taken. Choose another, or leave it out`);
  const { ui, grpc } = await claimTemporalPorts(port, false);
  expect(ui.port).not.toBe(port);
  [ui, grpc].forEach(({ release }) => release());
});
