import type { Argv } from 'yargs';
import { iso } from '../../src/domain/ids';
import { isWithin, replayFile } from '../../src/lab/replayFile';
import { Training } from '../../src/lab/training';
import { LabError } from '../../src/lab/errors';
import { fileOptions, windowOf, windowOptions } from './options';
import { withBar } from './progress';

const options = <T>(command: Argv<T>) =>
  windowOptions(fileOptions(command))
    .option('out', {
      type: 'string',
      demandOption: true,
      describe: 'Output file of the model, …/name.json; its card is written beside it',
    })
    .option('rounds', { type: 'number', default: 300, describe: 'Maximum number of trees' })
    .option('tune-share', {
      type: 'number',
      default: 0.2,
      describe: 'Share of the window, at its end, for early stopping and measurement',
    });

/** The command `fraud train`. */
export const train = (cli: Argv): Argv =>
  cli.command('train', 'Trains a model on labelled payments with the official XGBoost', options, async (args) => {
    const { transactions, amountUnit, currency, labelDelay, out, rounds, tuneShare } = args;
    const window = windowOf(args);
    if (!out.endsWith('.json')) throw new LabError(`--out must end in .json, found "${out}"`);
    if (!(tuneShare > 0 && tuneShare < 1))
      throw new LabError(`--tune-share must be between 0 and 1, found ${tuneShare}`);
    const tuneFrom = window.to - tuneShare * (window.to - window.from);
    const training = new Training();
    try {
      let unknown = 0;
      await withBar('features', async (show) => {
        for await (const { transaction, fraud, features } of replayFile(
          transactions,
          { amountUnit, currency },
          labelDelay,
          show,
        )) {
          if (transaction.timestamp >= window.to) break;
          if (!isWithin(window, transaction.timestamp)) continue;
          if (fraud === undefined) unknown++;
          else training.add(transaction.timestamp < tuneFrom ? 'train' : 'tune', fraud, features());
        }
      });
      const figures = await training.run(
        out,
        {
          rounds,
          refit: true,
          madeBy: 'Made by `fraud train`.',
          data:
            `Payments from ${iso(window.from)} to ${iso(window.to)} ` +
            `({train}${unknown > 0 ? `; ${unknown} whose label is not known were left out` : ''}). ` +
            'The number of trees and the figures below come from a model that had not seen the payments from ' +
            `${iso(tuneFrom)} on ({test}); ` +
            'then the model was trained once more on all of them. Features are computed by the code that serves; ' +
            'labels of merchants become known late, as in service.',
          measuredOn: 'last part of the window',
          limits:
            'Measure it on payments after the window and the label delay, with `fraud backtest`, before it ' +
            'decides anything.',
        },
        (line) => process.stderr.write(`${line}\n`),
      );
      console.log(
        `${figures.version}: ${figures.trees} trees from ${figures.trainedOn.rows} payments ` +
          `(${figures.trainedOn.frauds} frauds); ` +
          `on the last part of the window ROC AUC ${figures.rocAuc}, average precision ${figures.averagePrecision}\n` +
          `in ${out}, its card beside it. Next: npm run fraud -- backtest --model ${out} …`,
      );
    } finally {
      training.clear();
    }
  });
