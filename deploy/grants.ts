import { readFileSync } from 'node:fs';
import { runScript } from '../scripts/commandLine';
import { everything } from '../src/graph/capabilities';
import { grantsOf } from './access';

/** Prints the grants of the API and the workers that are not in `used`. */
function printUnused(used: ReadonlySet<string>): void {
  for (const role of ['api', 'worker'] as const)
    for (const [where, actions] of grantsOf(role, everything)) {
      const unused = actions.filter((action) => !used.has(`${role} ${where} ${action}`));
      if (unused.length > 0) console.log(`${role} ${where}: ${unused.join(', ')}`);
    }
}

runScript(
  {
    name: 'deploy:grants',
    positionals: '<file>',
    about: 'Lists the permissions of API and workers that the tests did not use.',
    examples: [
      [
        'used.txt',
        'after LONGWATCH_RECORD_GRANTS=used.txt npx jest test/api test/activities test/operations test/workflows',
      ],
    ],
  },
  (cli) =>
    cli.positional('file', {
      type: 'string',
      demandOption: true,
      describe: 'File that the tests wrote with LONGWATCH_RECORD_GRANTS',
    }),
  ({ file }) => printUnused(new Set(readFileSync(file, 'utf8').split('\n'))),
);
