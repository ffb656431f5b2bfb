import { randomBytes } from 'node:crypto';
import yargs from 'yargs';
import { keyDigest } from '../src/api/auth/apiKeys';
import { roles } from '../src/domain/platform/caller';
import { ID_PATTERN, ID_RULE } from '../src/domain/ids';

/** 256 bits; the beginning is for scanners of repositories, which find leaked keys by such. */
const newKey = (): string => `lw_${randomBytes(32).toString('base64url')}`;

const { name, role } = yargs(process.argv.slice(2))
  .scriptName('npm run api-key --')
  .usage(
    '$0 --name pay --role service\n\nMakes a random API key. The key goes to its caller and is kept nowhere; its ' +
      'entry, which holds only a hash, to LONGWATCH_API_KEYS.',
  )
  .option('name', { type: 'string', demandOption: true, describe: 'Whose it is: in logs, timelines and four eyes' })
  .option('role', { choices: roles, demandOption: true, describe: 'What it may do: docs/routes.md' })
  .check(({ name: given }) => ID_PATTERN.test(given) || `name ${ID_RULE}`)
  .strict()
  .version(false)
  .parseSync();
const key = newKey();
process.stdout.write(`key    ${key}\nentry  ${name}:${role}:sha256=${keyDigest(key).toString('hex')}\n`);
