import type { Argv } from 'yargs';
import { exportLabels } from '../../src/lab/labelExport';
import { scanDecisions } from '../../src/stores/fraud/decisionScan';
import { asDuration, asInstant } from './options';
import { openTables } from './parts';

const options = <T>(command: Argv<T>) =>
  command
    .option('out', { type: 'string', demandOption: true, describe: 'Output file: .csv or .jsonl, also .gz' })
    .option('from', {
      type: 'string',
      default: '1970-01-01',
      describe: 'Start, a day or an instant',
      coerce: (text: string) => asInstant(text, 'from'),
    })
    .option('to', {
      type: 'string',
      default: '9999-01-01',
      describe: 'End (exclusive), a day or an instant',
      coerce: (text: string) => asInstant(text, 'to'),
    })
    .option('genuine-after', {
      type: 'string',
      default: '30d',
      describe:
        'Age from which a payment without a label counts as genuine; younger ones stay unknown; "never": ' +
        'all stay unknown',
      coerce: (text: string) => (text === 'never' ? Number.POSITIVE_INFINITY : asDuration(text, 'genuine-after')),
    });

/** The command `fraud labels`. */
export const labels = (cli: Argv): Argv =>
  cli.command('labels', 'Labels of payments: fraud, genuine or unknown', (command) =>
    command
      .command(
        'export',
        'Decided payments with their labels as a training file, in time order',
        options,
        async ({ out, from, to, genuineAfter }) => {
          const { db, close } = openTables();
          let told = 0;
          const tell = (read: number) => {
            if (Date.now() - told < 1_000) return;
            told = Date.now();
            process.stderr.write(process.stderr.isTTY ? `\r${read} payments read` : `${read} payments read\n`);
          };
          const report = await exportLabels(
            scanDecisions(db),
            { out, from, to, genuineBefore: Date.now() - genuineAfter },
            tell,
          );
          if (process.stderr.isTTY) process.stderr.write('\r');
          console.log(
            `${report.payments} payments in ${out}: ${report.fraud} fraud, ${report.genuine} genuine, ` +
              `${report.unknown} without a label`,
          );
          close();
        },
      )
      .demandCommand(1, 'A command is required; --help lists the commands'),
  );
