// Set before the SDK loads: its notice about Node.js versions does not help the user of a script.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

import { inspect } from 'node:util';
import yargs, { type ArgumentsCamelCase, type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { isLongwatchError } from '../src/domain/errors';
import { nearestName } from '../src/domain/nearest';
import { LabError } from '../src/lab/errors';

/** Maximum width of the help, in characters. */
const WIDEST = 120;

/** A script of package.json, for its `--help`. */
export interface Script {
  /** The script's name in package.json. */
  name: string;
  /** Positional arguments, in yargs' notation. */
  positionals?: string;
  /** What the script does, for `--help`. */
  about: string;
  /** Example arguments, and what the script does with them. */
  examples: readonly (readonly [args: string, effect: string])[];
  /**
   * Classes of errors that the user can correct, besides LabError and LongwatchError. For these only the message is
   * printed.
   */
  expected?: readonly (abstract new (...args: never[]) => Error)[];
}

/**
 * Runs a script of package.json that has options but no commands. It supports `--help`. Wrong arguments end the process
 * with exit code 1 and one line that suggests the nearest option or value. An error that the user can correct also ends
 * it with one line; any other error is printed with its stack.
 */
export function runScript<T>(
  script: Script,
  options: (cli: Argv) => Argv<T>,
  run: (args: ArgumentsCamelCase<T>) => unknown,
): void {
  const args = argumentsOf(script, options);
  void (async () => {
    try {
      await run(args);
    } catch (error) {
      end(error, script.expected);
    }
  })();
}

/** Returns the arguments of a script without commands. Wrong arguments end the process, as in `runScript`. */
export function argumentsOf<T>(script: Script, options: (cli: Argv) => Argv<T>): ArgumentsCamelCase<T> {
  const { positionals } = script;
  const parser = described(parserOf(script), script, ['$0', positionals, '[options]'].filter(Boolean).join(' '));
  const given =
    positionals === undefined ? options(parser) : parser.command(`$0 ${positionals}`, false, (cli) => options(cli));
  return given.parseSync() as ArgumentsCamelCase<T>;
}

/** Runs a script of package.json that has commands, as `runScript` does. */
export function runCommand(script: Script, commands: readonly ((cli: Argv) => unknown)[]): void {
  const cli = described(parserOf(script), script, '$0 <command> [options]');
  for (const add of commands) add(cli);
  void cli.demandCommand(1, 'A command is required; --help lists the commands').parse();
}

function parserOf({ name, expected }: Script): Argv {
  const cli = yargs(hideBin(process.argv));
  return cli
    .scriptName(`npm run ${name} --`)
    .detectLocale(false)
    .strict()
    .recommendCommands()
    .check((args, options) => checkedValues(args, options as unknown as KnownOptions), true)
    .help()
    .version(false)
    .wrap(Math.min(WIDEST, process.stdout.columns ?? WIDEST))
    .fail((message: string | null, error) =>
      // Without a message, a command failed; with one, its arguments are wrong.
      end(message === null ? error : new LabError(faultOfArguments(message, cli)), expected),
    );
}

function described(cli: Argv, { name, about, examples }: Script, usage: string): Argv {
  for (const [args, effect] of examples) cli.example(args === '' ? `npm run ${name}` : `$0 ${args}`, effect);
  return cli.usage(`Usage: ${usage}\n\n${about}`);
}

/** Prints an error for the user and ends the process with exit code 1. */
function end(error: unknown, expected: Script['expected'] = []): never {
  const isKnown = [LabError, ...expected].some((type) => error instanceof type);
  process.stderr.write(`${isKnown ? (error as Error).message : (reasonOf(error) ?? inspect(error))}\n`);
  process.exit(1);
}

const START = 'start Longwatch here with npm start, or check the addresses in the environment';

/** Returns the reason of a failed call in one sentence, or undefined if the error is a bug. */
function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // For an AggregateError, the first of its errors.
  const cause = (error as { errors?: unknown[] }).errors?.[0] ?? error.cause;
  if (isLongwatchError(error, 'unavailable')) {
    const [what] = error.message.split(';'); // The rest is advice for callers of the API.
    return `${what}${cause instanceof Error && cause.message !== '' ? ` (${cause.message})` : ''}; ${START}`;
  }
  if (isLongwatchError(error)) return error.message;
  if (error.message === 'fetch failed' || error instanceof AggregateError) return reasonOf(cause);
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return undefined;
  return /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT)/.test(code) ? `${error.message}; ${START}` : error.message;
}

/** The options of a yargs parser; the types of yargs do not declare them. */
interface KnownOptions {
  key: Record<string, unknown>;
  number: string[];
  array: string[];
  choices: Record<string, readonly string[] | undefined>;
}

const shown = (value: unknown): string => `"${String(value)}"`;

/** Returns the positions of an option among the arguments. */
const places = (args: readonly string[], name: string): number[] =>
  args.flatMap((arg, at) => (arg === `--${name}` || arg.startsWith(`--${name}=`) ? [at] : []));

/** Refuses invalid numbers and repeated options, which yargs accepts. @throws LabError */
function checkedValues(values: Readonly<Record<string, unknown>>, { key, number, array }: KnownOptions): true {
  const args = hideBin(process.argv);
  for (const name of Object.keys(key)) {
    const [first, ...more] = places(args, name);
    if (first === undefined) continue;
    if (more.length > 0 && !array.includes(name))
      throw new LabError(`--${name} must be given once, found ${more.length + 1}`);
    if (number.includes(name) && [values[name]].flat().some((value) => Number.isNaN(value)))
      throw new LabError(`--${name} must be a number, found ${shown(args[first]?.split('=')[1] ?? args[first + 1])}`);
  }
  return true;
}

/** Returns one line that describes the wrong argument and suggests the nearest valid name. */
function faultOfArguments(message: string, cli: Argv): string {
  const options = (cli as unknown as { getOptions(): KnownOptions }).getOptions();
  const args = hideBin(process.argv);
  const names = Object.keys(options.key);
  const wrong = args
    .slice(0, args.includes('--') ? args.indexOf('--') : undefined)
    .map((arg) => /^--(?:no-)?([^=]+)/.exec(arg)?.[1])
    .find((name) => name !== undefined && !names.some((known) => kebab(known) === kebab(name)));
  if (wrong !== undefined)
    return `There is no option --${wrong}${meant(
      `--${wrong}`,
      ['help', ...names].map((name) => `--${name}`),
    )}`;
  for (const [name, choices] of Object.entries(options.choices)) {
    const value = choices && message.startsWith('Invalid values:') ? invalidValue(message, name) : undefined;
    if (value !== undefined)
      return (
        `${places(args, name).length > 0 ? '--' : ''}${name} must be one of ${choices?.join(', ')}, ` +
        `found ${shown(value)}${meant(value, choices ?? [], '')}`
      );
  }
  const command = /^Did you mean (.+)\?$/.exec(message)?.[1];
  const given = args.filter((arg) => !arg.startsWith('-'));
  if (command !== undefined) {
    const like = given.find((arg) => nearestName(arg, [command]) !== undefined);
    return `There is no command ${shown(like)}; did you mean ${shown(command)}?`;
  }
  const [line = ''] = message.split('\n');
  const unknown = /^Unknown (?:argument|command)s?: (.+)$/.exec(line)?.[1];
  if (unknown !== undefined) return `${shown(unknown)} is not an argument here; --help lists all`;
  const missing = /^Missing required arguments?: (.+)$/.exec(line)?.[1];
  if (missing !== undefined) return `${missing.replaceAll(/[\w-]+/g, '--$&')} must be given; --help lists all`;
  return line.startsWith('Not enough non-option arguments') ? 'An argument is missing; --help lists all' : line;
}

const invalidValue = (message: string, name: string): string | undefined =>
  new RegExp(`Argument: ${name}, Given: "([^"]*)"`).exec(message)?.[1];

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Returns a suggestion of the nearest name, or `otherwise` if no name is near. */
function meant(given: string, names: readonly string[], otherwise = '; --help lists all'): string {
  const nearest = nearestName(given, names, /^--/);
  return nearest === undefined ? otherwise : `; did you mean ${nearest}?`;
}
