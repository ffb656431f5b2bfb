import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { kmsClient } from '../../src/gateways/encryption/kmsKeys';
import { REGION } from './dynamodb';
import { startOnFreePort } from './ports';

const venv = join(__dirname, '..', '..', 'model', '.venv', 'bin', 'python');
const python = process.env['PYTHON'] ?? (existsSync(venv) ? venv : 'python3');

/** Whether this machine has moto, which speaks the protocol of AWS KMS; where not, says what to install. */
export function hasMoto(): boolean {
  const has = spawnSync(python, ['-c', 'import moto.server, flask, flask_cors']).status === 0;
  if (!has) process.stderr.write(`KMS is not tested: ${python} lacks moto; pip install -r test/requirements.txt\n`);
  return has;
}

export interface TestKms {
  endpoint: string;
  client: ReturnType<typeof kmsClient>;
  /** A new KMS key. @returns its ARN. */
  createKey(): Promise<string>;
  stop(): Promise<void>;
}

export async function startTestKms(): Promise<TestKms> {
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-kms-'));
  const { port, child } = await startOnFreePort({
    name: 'moto',
    command: python,
    args: (free) => ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(free)],
    logFile: join(folder, 'moto.log'),
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const client = kmsClient({ region: REGION, endpoint, credentials: LOCAL_CREDENTIALS });
  return {
    endpoint,
    client,
    async createKey() {
      const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
      return KeyMetadata!.Arn!;
    },
    async stop() {
      client.destroy();
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
