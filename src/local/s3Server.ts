import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { runServer, serve } from './serverProcess';

/** s3rver has no type declarations. */
type S3rver = new (options: {
  silent: boolean;
  directory: string;
  allowMismatchedSignatures: boolean;
  vhostBuckets: boolean;
}) => { callback(): RequestListener };

interface Account {
  createKeyPair(accessKeyId: string, secretAccessKey: string): void;
}

/** Runs the embedded S3 (s3rver) as a process, on the loopback address. */
async function main(): Promise<void> {
  const { port, path } = await yargs(hideBin(process.argv))
    .option('port', { type: 'number', default: 4568, describe: 'Port; a free one is used if it is taken' })
    .option('path', {
      type: 'string',
      describe: 'Folder of the objects; without it a temporary folder',
    })
    .strict()
    .parseAsync();
  if (path !== undefined) mkdirSync(path, { recursive: true });
  const load = createRequire(__filename);
  const Server = load('s3rver') as S3rver;
  // s3rver has one account; give it the credentials that local endpoints use.
  (load('s3rver/lib/models/account') as { DUMMY_ACCOUNT: Account }).DUMMY_ACCOUNT.createKeyPair('local', 'local');
  const directory = path ?? mkdtempSync(join(tmpdir(), 'longwatch-s3-'));
  // Do not use s3rver's own `run`: it ends the process if the port is taken.
  const s3 = new Server({ silent: true, directory, allowMismatchedSignatures: true, vhostBuckets: false });
  await serve(createServer(s3.callback()), 'http', port);
}

runServer(main);
