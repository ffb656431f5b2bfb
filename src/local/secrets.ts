import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from './errors';

export interface Secrets {
  /** The development key, of role admin. */
  apiKey: string;
  /** Signs customers' links and webhooks. */
  signingSecret: string;
}

const OWNER_ONLY = 0o600;

/**
 * The embedded stack's secrets, made once and kept for the owner's eyes only.
 * @throws StartError when what is kept cannot be read: other secrets would break every link already sent.
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
  renameSync(draft, file); // Whole or not at all.
  return made;
}

/** The development key of a stack that was started there; undefined where none was. */
export function keptApiKey(dataDir: string): string | undefined {
  return read(join(dataDir, 'secrets.json'))?.apiKey;
}

function read(file: string): Secrets | undefined {
  try {
    const { apiKey, signingSecret } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>;
    if (!apiKey || !signingSecret) throw new SyntaxError('a secret is missing');
    if (statSync(file).mode & 0o077) chmodSync(file, OWNER_ONLY); // A copy or a restore opened it to others.
    return { apiKey, signingSecret };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // The parser's message quotes what it read, which is secret.
    const what = error instanceof SyntaxError ? 'is damaged' : `cannot be read (${(error as Error).message})`;
    throw new StartError(`${file} ${what}. Delete it, and new keys are made`);
  }
}
