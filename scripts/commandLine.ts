import yargs, { type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { LabError } from '../src/lab/errors';

/**
 * `npm run NAME -- COMMAND …`: runs the command that the arguments name. What a person can mend, a wrong option or a
 * file
 * that is not there, is told in one sentence; anything else with its stack. Either ends with exit code 1.
 * @param about What the commands have in common, for `--help`.
 * @param expected Further faults that a person can mend.
 */
export function runCommand(
  name: string,
  about: string,
  commands: readonly ((cli: Argv) => unknown)[],
  expected: readonly (abstract new (...args: never[]) => Error)[] = [],
): void {
  const cli = yargs(hideBin(process.argv)).scriptName(`npm run ${name} --`).usage(`$0 <command>\n\n${about}`);
  for (const add of commands) add(cli);
  void cli
    .demandCommand(1, 'Say what to do; --help lists it')
    .strict()
    .help()
    .fail((message, error) => {
      // YError: what an option's own check threw.
      const known =
        [LabError, ...expected].some((type) => error instanceof type) ||
        error?.name === 'YError' ||
        (error as NodeJS.ErrnoException | undefined)?.code !== undefined;
      console.error(error === undefined ? message : known ? error.message : error);
      process.exit(1);
    })
    .parse();
}
