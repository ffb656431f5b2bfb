import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from './errors';

/** Secrets of the embedded stack. */
export interface Secrets {
  /** Development API key with the role admin. */
  apiKey: string;
  /** Signs links to customers, session cookies and webhooks. */
  signingSecret: string;
}

const OWNER_ONLY = 0o600;

/**
 * Returns the embedded stack's secrets. Creates them at the first start, in a file that only the owner can read.
 * @throws StartError if the file cannot be read; new secrets would invalidate every link that was already sent
 */
export function developmentSecrets(dataDir: string): Secrets {
  const file = join(dataDir, 'secrets.json');
  const kept = read(file);
  if (kept) return kept;
  const made: Secrets = {
    apiKey: `dev-${randomBytes(18).toString('base64url')}`,
    signingSecret: randomBytes(32).toString('base64url'),
  };
  mkdirSync(dataDir, { recursive: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(made, null, 2)}\n`, { mode: OWNER_ONLY });
  renameSync(draft, file); // The rename is atomic, so the file is never half written.
  return made;
}

/** Returns the development key of a stack that was started with this data folder; undefined if there was none. */
export function keptApiKey(dataDir: string): string | undefined {
  return read(join(dataDir, 'secrets.json'))?.apiKey;
}

function read(file: string): Secrets | undefined {
  try {
    const { apiKey, signingSecret } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>;
    if (!apiKey || !signingSecret) throw new SyntaxError('a secret is missing');
    // A copy or a restore may have made the file readable to others.
    if (statSync(file).mode & 0o077) chmodSync(file, OWNER_ONLY);
    return { apiKey, signingSecret };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // The parser's message quotes the content, which is secret.
    const what = error instanceof SyntaxError ? 'is damaged' : `cannot be read (${(error as Error).message})`;
    throw new StartError(`${file} ${what}. Delete it; the next start creates new keys`);
  }
}
