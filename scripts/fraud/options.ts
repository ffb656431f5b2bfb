import ms from 'ms';
import type { Argv } from 'yargs';
import { isCurrency } from '../../src/domain/money/currencies';
import { LABEL_DELAY_DAYS } from '../../src/domain/fraud/features';
import { LabError } from '../../src/lab/errors';
import type { Window } from '../../src/lab/replayFile';

/** Parses a duration like "7d", "12h" or "90 min". @returns milliseconds. @throws LabError */
export function asDuration(text: string, option: string): number {
  const value = /^\s*\d/.test(text) ? ms(text as ms.StringValue) : undefined;
  if (value === undefined || Number.isNaN(value) || value < 0)
    throw new LabError(`--${option} must be a duration like 7d or 12h, found "${text}"`);
  return value;
}

/**
 * Parses a day ("2018-07-01", its start in UTC) or an instant in ISO 8601.
 * @returns epoch milliseconds.
 * @throws LabError
 */
export function asInstant(text: string, option: string): number {
  const value = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:?\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(value))
    throw new LabError(
      `--${option} must be a day like 2018-07-01 or an instant like 2018-07-01T12:00:00Z, found "${text}"`,
    );
  return value;
}

/** Adds the options for the file of payments and its format. */
export const fileOptions = <T>(command: Argv<T>) =>
  command
    .option('transactions', {
      type: 'string',
      demandOption: true,
      describe: 'File of payments: CSV or JSON lines, also .gz, in time order',
    })
    .option('amount-unit', {
      choices: ['minor', 'major'] as const,
      default: 'minor' as const,
      describe: 'Unit of amounts; minor: 1999 is EUR 19.99',
    })
    .option('currency', {
      type: 'string',
      default: 'EUR',
      describe: 'Currency of rows without one, ISO 4217',
      coerce: (code: string) => {
        if (!isCurrency(code)) throw new LabError(`--currency must be an ISO 4217 code, upper case, found "${code}"`);
        return code;
      },
    })
    .option('label-delay', {
      type: 'string',
      default: `${LABEL_DELAY_DAYS}d`,
      describe: 'Time from a fraud until its label is known',
      coerce: (text: string) => asDuration(text, 'label-delay'),
    });

/** Adds the options for a time window; `to` is exclusive. */
export const windowOptions = <T>(command: Argv<T>) =>
  command
    .option('from', {
      type: 'string',
      demandOption: true,
      describe: 'Start of the window, a day or an instant',
      coerce: (text: string) => asInstant(text, 'from'),
    })
    .option('to', {
      type: 'string',
      demandOption: true,
      describe: 'End of the window (exclusive), a day or an instant',
      coerce: (text: string) => asInstant(text, 'to'),
    });

/** Returns the window of the options. @throws LabError if it is empty. */
export function windowOf({ from, to }: Window): Window {
  if (from >= to) throw new LabError('--to must be after --from');
  return { from, to };
}
