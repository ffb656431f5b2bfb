import { join } from 'node:path';
import { DAY_MS } from '../src/domain/fraud/profile';
import { Replay } from '../src/domain/fraud/replay';
import { scenarios, simulate } from '../src/domain/fraud/simulation';
import { type Part, Training } from '../src/lab/training';
import { runScript } from '../scripts/commandLine';
import { withBar } from '../scripts/fraud/progress';

/** Trains the shipped model on simulated payments, replayed through the code that serves. */
const settings = { seed: 20_260_101, customers: 5000, merchants: 600, days: 150, start: Date.UTC(2026, 0, 1) };
/** Days of each part; between training and test lies the label delay. */
const parts = { train: [10, 110], tune: [110, 125], test: [132, 150] } as const satisfies Record<
  Part,
  readonly [number, number]
>;

const days = ([from, to]: readonly [number, number]): string => `days ${from}–${to}`;

const notes = {
  rounds: 160,
  refit: false,
  goldens: true,
  scenarios,
  madeBy: 'Made by `npm run model:train`, which reproduces it.',
  data:
    `Payments from this project's own simulator (\`src/domain/fraud/simulation.ts\`, seed ${settings.seed}): ` +
    `${settings.customers.toLocaleString('en')} customers, ${settings.merchants} merchants, ${settings.days} ` +
    `days. No real person's data. ` +
    `Trained on ${days(parts.train)} ({train}), stopped early on ${days(parts.tune)}, tested on ` +
    `${days(parts.test)} ({test}), a label delay of 7 days apart. ` +
    'Features are computed by the code that serves; labels of merchants become known 7 days late, as in service.',
  measuredOn: 'test days',
  limits:
    'A compromised merchant shows only once the first labels are due, 7 days after its first fraud: what it is ' +
    'used for before that cannot be found by these features. ' +
    'Simulated fraud is simpler than real fraud: these figures say that features, training and serving fit ' +
    'together, not what a bank would see. ' +
    'Train on your own labelled payments before you let it block anything.',
};

async function train(out: string): Promise<void> {
  const training = new Training();
  try {
    await withBar('replaying', async (show) => {
      const replay = new Replay();
      for (const { transaction, fraud, scenario } of simulate(settings)) {
        const features = replay.take(transaction, fraud);
        const today = Math.floor((transaction.timestamp - settings.start) / DAY_MS);
        show(today / settings.days);
        for (const [part, [from, to]] of Object.entries(parts))
          if (today >= from && today < to)
            training.add(part as Part, fraud, features(), scenario ? scenarios.indexOf(scenario) + 1 : 0);
      }
    });
    console.log(await training.run(out, notes, console.error));
  } finally {
    training.clear();
  }
}

runScript(
  {
    name: 'model:train',
    about:
      'Trains the shipped fraud model on simulated payments, which are replayed through the code that serves the ' +
      'model. Writes the model, and its card, baseline and goldens beside it. Needs Python 3 with the packages of ' +
      'model/requirements.txt (PYTHON: the executable).',
    examples: [['', 'after a feature has changed; the same code writes the same model']],
  },
  (cli) =>
    cli.option('out', {
      type: 'string',
      default: join(__dirname, 'fraud.json'),
      defaultDescription: 'model/fraud.json',
      describe: 'File of the model',
    }),
  ({ out }) => train(out),
);
