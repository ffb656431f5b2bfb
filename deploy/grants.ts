import { readFileSync } from 'node:fs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { everything } from '../src/graph/capabilities';
import { grantsOf } from './access';

/** Compares what was used with what is granted. */
async function main(): Promise<void> {
  const { file } = await yargs(hideBin(process.argv))
    .scriptName('npm run deploy:grants --')
    .command('$0 <file>', 'Says which grants of API and workers nobody used', (command) =>
      command.positional('file', {
        type: 'string',
        demandOption: true,
        describe:
          'What LONGWATCH_RECORD_GRANTS=<file> npx jest test/api test/activities test/operations test/workflows wrote',
      }),
    )
    .strict()
    .help()
    .parseAsync();
  const used = new Set(readFileSync(file as string, 'utf8').split('\n'));
  for (const role of ['api', 'worker'] as const)
    for (const [where, actions] of grantsOf(role, everything)) {
      const unused = actions.filter((action) => !used.has(`${role} ${where} ${action}`));
      if (unused.length > 0) console.log(`${role} ${where}: ${unused.join(', ')}`);
    }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
