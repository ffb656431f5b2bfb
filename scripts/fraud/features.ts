import type { Argv } from 'yargs';
import { featureNames } from '../../src/domain/fraud/features';
import { writeFeatures } from '../../src/lab/featureFile';
import { replayFile } from '../../src/lab/replayFile';
import { fileOptions } from './options';
import { withBar } from './progress';

const options = <T>(command: Argv<T>) =>
  fileOptions(command).option('out', {
    type: 'string',
    demandOption: true,
    describe: 'Output file: .npy (fastest), .csv or .csv.gz',
  });

/** The command `fraud features`. */
export const features = (cli: Argv): Argv =>
  cli.command(
    'features',
    'Writes the feature matrix of a file of payments, computed by the code that runs in production',
    options,
    async ({ transactions, amountUnit, currency, labelDelay, out }) => {
      const started = performance.now();
      let rows = 0;
      await withBar('features', async (show) => {
        const matrix = writeFeatures(out);
        for await (const one of replayFile(transactions, { amountUnit, currency }, labelDelay, show)) {
          const written = matrix.write(one, one.features());
          if (written) await written;
          rows++;
        }
        await matrix.close();
      });
      const seconds = (performance.now() - started) / 1000;
      console.log(
        `${rows} rows of ${featureNames.length} features and the label in ${out}; ${Math.round(rows / seconds)} ` +
          'a second',
      );
    },
  );
