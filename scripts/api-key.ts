import { randomBytes } from 'node:crypto';
import { keyDigest } from '../src/api/auth/apiKeys';
import { roles } from '../src/domain/platform/caller';
import { ID_PATTERN } from '../src/domain/ids';
import { runScript } from './commandLine';

/** Returns a random key of 256 bits. The prefix lets secret scanners find leaked keys in repositories. */
const newKey = (): string => `lw_${randomBytes(32).toString('base64url')}`;

/** An id may contain a colon, but an entry of LONGWATCH_API_KEYS is `name:role:key`, so a name may not. */
const isName = (name: string): boolean => ID_PATTERN.test(name) && !name.includes(':');

runScript(
  {
    name: 'api-key',
    about:
      'Generates a random API key. Give the key to its caller; it is stored nowhere. Add the entry, which holds only ' +
      'its hash, to LONGWATCH_API_KEYS.',
    examples: [['--name pay --role service', 'a key for the service that is called pay in logs and timelines']],
  },
  (cli) =>
    cli
      .option('name', {
        type: 'string',
        demandOption: true,
        describe: 'Name of the caller in logs, timelines and four-eyes checks',
      })
      .option('role', { choices: roles, demandOption: true, describe: 'Role of the caller (docs/routes.md)' })
      .check(
        ({ name }) =>
          isName(name) ||
          `--name must be 1 to 64 characters out of letters, digits, "_", ".", "@" and "-", found "${name}"`,
      ),
  ({ name, role }) => {
    const key = newKey();
    process.stdout.write(`key    ${key}\nentry  ${name}:${role}:sha256=${keyDigest(key).toString('hex')}\n`);
  },
);
