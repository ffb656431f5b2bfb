import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { runServer } from './serverProcess';

/** Without types of its own. */
type S3rver = new (options: { address: string; port: number; silent: boolean; directory: string; allowMismatchedSignatures: boolean; vhostBuckets: boolean }) => {
  run(): Promise<{ address: string; port: number }>;
};

interface Account {
  createKeyPair(accessKeyId: string, secretAccessKey: string): void;
}

/** The embedded S3 as a process: s3rver, on this machine's own address. */
async function main(): Promise<void> {
  const { port, path } = await yargs(hideBin(process.argv))
    .option('port', { type: 'number', default: 4568 })
    .option('path', { type: 'string', describe: 'Where objects are kept; without it in a folder that nobody looks for' })
    .strict()
    .parseAsync();
  if (path !== undefined) mkdirSync(path, { recursive: true });
  const load = createRequire(__filename);
  const Server = load('s3rver') as S3rver;
  // It knows one account, which by itself goes by another name.
  (load('s3rver/lib/models/account') as { DUMMY_ACCOUNT: Account }).DUMMY_ACCOUNT.createKeyPair('local', 'local');
  const directory = path ?? mkdtempSync(join(tmpdir(), 'longwatch-s3-'));
  await new Server({ address: '127.0.0.1', port, silent: true, directory, allowMismatchedSignatures: true, vhostBuckets: false }).run();
  console.log(`listening on http://127.0.0.1:${port}`);
}

runServer(main);
