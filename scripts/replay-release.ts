import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../src/lab/errors';
import { runScript } from './commandLine';

const ROOT = join(__dirname, '..');
const HISTORIES = join(ROOT, 'test', 'workflows', 'histories');
const RELEASES = join(ROOT, 'test', 'workflows', 'releases.json');

const { version: current } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

/**
 * Records the SHA-256 of every history of a release, so that a test detects a later change of a history.
 * @throws LabError if the release is recorded already.
 */
function recordRelease(release: string): void {
  const releases = existsSync(RELEASES)
    ? (JSON.parse(readFileSync(RELEASES, 'utf8')) as Record<string, Record<string, string>>)
    : {};
  if (releases[release]) throw new LabError(`Release ${release} is recorded already; its histories must not change`);
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
  console.log(`Recorded ${files.length} histories of release ${release}.`);
}

runScript(
  {
    name: 'replay:release',
    about:
      'Records the workflow histories in test/workflows/histories as those of a release. No later change may break ' +
      'their replay. A release is recorded once.',
    examples: [['--release 1.2.0', 'before 1.2.0 is released']],
  },
  (cli) => cli.option('release', { type: 'string', default: current, describe: 'Version of the release' }),
  ({ release }) => recordRelease(release),
);
