import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';
import type { Server } from 'node:http';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { defined } from '../domain/defined';
import { runServer, serve } from './serverProcess';

/** kinesalite has no type declarations. */
type Kinesalite = (options: {
  path?: string;
  createStreamMs?: number;
  updateStreamMs?: number;
  shardLimit?: number;
}) => Server;

/**
 * Runs the embedded Kinesis (kinesalite) as a process. By default kinesalite would listen on all addresses of the
 * machine.
 */
async function main(): Promise<void> {
  const { port, path } = await yargs(hideBin(process.argv))
    .option('port', { type: 'number', default: 4567, describe: 'Port; a free one is used if it is taken' })
    .option('path', { type: 'string', describe: 'Folder of the streams; without it they are kept in memory' })
    .strict()
    .parseAsync();
  if (path !== undefined) mkdirSync(path, { recursive: true });
  const kinesalite = createRequire(__filename)('kinesalite') as Kinesalite;
  const server = kinesalite({
    ...defined({ path }),
    createStreamMs: 50,
    updateStreamMs: 50,
    shardLimit: 100,
  });
  await serve(server, 'http', port);
}

runServer(main);
