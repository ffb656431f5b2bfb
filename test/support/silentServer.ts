import { type AddressInfo, createServer, type Socket } from 'node:net';

/** Takes connections and never says a word: whatever is asked of it hangs for as long as the asker lives. */
export async function startSilentServer(): Promise<{ address: string; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
    },
  };
}
