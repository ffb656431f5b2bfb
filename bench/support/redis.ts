import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'redis';
import { startOnFreePort } from '../../test/support/ports';

export type Redis = Awaited<ReturnType<typeof connect>>;

const connect = (port: number) =>
  createClient({
    socket: { host: '127.0.0.1', port, reconnectStrategy: (tries) => (tries < 50 ? 100 : false) },
  }).connect();

/** Starts the Redis of this machine without persistence. @returns its client, or the reason why there is none. */
export async function startRedis(): Promise<{ redis: Redis; stop(): Promise<void> } | string> {
  if (spawnSync('redis-server', ['--version']).status !== 0)
    return 'redis-server does not start (Debian: apt-get install redis-server)';
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-redis-'));
  const args = (port: number) => ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const { port, child } = await startOnFreePort({
    name: 'redis',
    command: 'redis-server',
    args,
    logFile: join(folder, 'redis.log'),
  });
  const redis = await connect(port);
  return {
    redis,
    async stop() {
      redis.destroy();
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
