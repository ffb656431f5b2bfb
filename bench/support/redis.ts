import { spawn } from 'node:child_process';
import { createClient } from 'redis';
import { claimPort } from '../../src/local/ports';

export type Redis = Awaited<ReturnType<typeof connect>>;

const connect = (port: number) => createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: (tries) => (tries < 50 ? 100 : false) } }).connect();

/** A Redis of this machine that keeps nothing, or why there is none. */
export async function startRedis(): Promise<{ redis: Redis; stop(): Promise<void> } | string> {
  const { port, release } = await claimPort();
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
  const missing = new Promise<string>((resolve) => server.once('error', (error) => resolve(`redis-server does not start (Debian: apt-get install redis-server): ${error.message}`)));
  const found = await Promise.race([missing, connect(port)]);
  if (typeof found === 'string') {
    release();
    return found;
  }
  return {
    redis: found,
    async stop() {
      found.destroy();
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await ended;
      release();
    },
  };
}
