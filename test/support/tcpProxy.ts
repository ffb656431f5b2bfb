import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TcpProxy {
  port: number;
  /** `host:port` of the proxy. */
  address: string;
  /** Cuts every connection and refuses new ones: the part behind is away. */
  cut(): void;
  /** Whatever is sent arrives so much later, either way. */
  delay(milliseconds: number): void;
  /** Whatever is sent vanishes, and nobody is told: a network that drops packets. */
  drop(): void;
  /** Cuts every connection; new ones go through. */
  reset(): void;
  /** Lets connections through again. Those that have lost bytes are cut. */
  mend(): void;
  close(): Promise<void>;
}

/** A wire to a server on this machine that a test can cut, slow down or make lose what is sent. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let state: { is: 'open' | 'cut' | 'dropping' } | { is: 'slow'; by: number } = { is: 'open' };
  const open = new Set<Socket>();
  const lossy = new Set<Socket>();
  const server = createServer((near) => {
    if (state.is === 'cut') return void near.resetAndDestroy();
    const far = connect(targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        open.delete(socket);
        lossy.delete(socket);
        other.destroy();
      });
      carry(socket, other);
    }
  });

  /** Bytes arrive in the order in which they were sent, whatever happens in between. */
  function carry(from: Socket, to: Socket): void {
    let before: Promise<unknown> = Promise.resolve();
    let waiting = 0;
    const later = (dueAt: number, then: () => void) => {
      waiting++;
      before = before
        .then(() => (dueAt > Date.now() ? sleep(dueAt - Date.now()) : undefined))
        .then(then)
        .finally(() => waiting--);
    };
    from.on('data', (bytes: Buffer) => {
      if (state.is === 'dropping') return void lossy.add(from);
      // What comes behind lost bytes would be another message.
      if (lossy.has(from) || lossy.has(to)) return;
      const write = () => {
        if (to.destroyed || to.write(bytes)) return;
        from.pause();
        to.once('drain', () => from.resume());
      };
      if (state.is === 'open' && waiting === 0) write();
      else later(Date.now() + (state.is === 'slow' ? state.by : 0), write);
    });
    from.on('end', () => (waiting === 0 ? to.end() : later(0, () => to.end())));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cutAll = (sockets: Iterable<Socket> = open) => [...sockets].forEach((socket) => socket.resetAndDestroy());
  return {
    port,
    address: `127.0.0.1:${port}`,
    cut() {
      state = { is: 'cut' };
      cutAll();
    },
    delay: (by) => void (state = { is: 'slow', by }),
    drop: () => void (state = { is: 'dropping' }),
    reset: () => cutAll(),
    mend() {
      state = { is: 'open' };
      cutAll(lossy);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cutAll();
      }),
  };
}
