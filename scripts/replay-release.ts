import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';

const ROOT = join(__dirname, '..');
const HISTORIES = join(ROOT, 'test', 'workflows', 'histories');
const RELEASES = join(ROOT, 'test', 'workflows', 'releases.json');

/** Notes which histories a release leaves behind, by the sum of each: whatever comes after must go on from them. */
async function main(): Promise<void> {
  const { version: current } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const { release } = await yargs(hideBin(process.argv))
    .scriptName('npm run replay:release --')
    .usage(
      '$0 [--release <version>]\n\nNotes the recorded histories as those of a release, which no later change may ' +
        'break. A release is noted once.',
    )
    .option('release', { type: 'string', default: current, describe: 'Its version' })
    .strict()
    .help()
    .parseAsync();
  const releases = existsSync(RELEASES)
    ? (JSON.parse(readFileSync(RELEASES, 'utf8')) as Record<string, Record<string, string>>)
    : {};
  if (releases[release]) throw new Error(`Release ${release} is noted already: what it left behind does not change`);
  const files = readdirSync(HISTORIES).flatMap((type) =>
    readdirSync(join(HISTORIES, type)).map((file) => `${type}/${file}`),
  );
  releases[release] = Object.fromEntries(
    files.sort().map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(HISTORIES, file)))
        .digest('hex'),
    ]),
  );
  writeFileSync(RELEASES, `${JSON.stringify(releases, undefined, 1)}\n`);
  console.log(`${files.length} histories are those of ${release}.`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
