import Table from 'cli-table3';
import type { Argv } from 'yargs';
import { apiOptions, ask } from './api';

/** The drift of one model's features and scores. */
interface Model {
  modelVersion: string;
  from: string;
  to: string;
  rows: number;
  drifts: { name: string; psi: number; status: string }[];
}

const options = <T>(command: Argv<T>) =>
  apiOptions(command).option('days', {
    type: 'number',
    default: 7,
    describe: 'Number of days to compare, until today',
  });

/** The command `fraud drift`. */
export const drift = (cli: Argv): Argv =>
  cli.command(
    'drift',
    'Prints the drift of features and scores since the model’s training',
    options,
    async ({ url, key, days }) => {
      const { body } = await ask({ url, key }, 'GET', `/v1/drift?days=${days}`);
      const models = body['models'] as Model[];
      if (models.length === 0) console.log('No decisions of a model with a baseline.');
      for (const { modelVersion, from, to, rows, drifts } of models) {
        console.log(
          `${modelVersion}, ${from} to ${to}: ${rows} decisions${drifts.length === 0 ? '; too few to compare' : ''}`,
        );
        if (drifts.length === 0) continue;
        const table = new Table({
          head: ['feature', 'PSI', ''],
          colAligns: ['left', 'right', 'left'],
          style: { head: [], border: [] },
        });
        for (const { name, psi, status } of drifts) table.push([name, psi.toFixed(3), status]);
        console.log(table.toString());
      }
    },
  );
