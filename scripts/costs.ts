import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { readPrices } from './costs/bill';
import { readMeasured } from './costs/measured';
import { reportOf, reportText } from './costs/report';
import { type Traffic, traffic } from './costs/traffic';

/** The monthly bill at given traffic, from measured operations and list prices. */
const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const names = Object.keys(traffic) as (keyof Traffic)[];

const cli = yargs(hideBin(process.argv))
  .scriptName('npm run costs --')
  .usage(
    '$0\n\nPrints the monthly cost of Longwatch at the given traffic, per capability, beside the cost of ' +
      'alternative designs.',
  )
  .option('capacity', {
    choices: ['on-demand', 'provisioned'] as const,
    default: 'on-demand' as const,
    describe: 'DynamoDB capacity mode',
  })
  .option('peak', {
    type: 'number',
    default: 3,
    describe: 'Provisioned: traffic of the busiest hours divided by the average',
  })
  .option('utilisation', {
    type: 'number',
    default: 0.7,
    describe: 'Provisioned: target utilisation of auto scaling, over 0 to 1',
  })
  .option('json', { type: 'boolean', default: false, describe: 'Print JSON instead of a table' });
for (const name of names)
  cli.option(kebab(name), {
    type: 'number',
    default: traffic[name].fallback,
    describe: `${traffic[name].group}: ${traffic[name].describe}`,
  });

const shares = new Set<string>(['orderedShare', 'caseShare', 'streamShare']);
const positive = new Set<string>(['together', 'batch', 'shardsOfStreams']);
const args = cli
  .strict()
  .help()
  .check((given) => {
    for (const name of names) {
      const value = (given as unknown as Traffic)[name];
      if (!Number.isFinite(value) || value < 0)
        throw new Error(`--${kebab(name)} must be a number of at least 0, found ${value}`);
      if (shares.has(name) && value > 1)
        throw new Error(`--${kebab(name)} is a share: it must be at most 1, found ${value}`);
      if (positive.has(name) && value < 1) throw new Error(`--${kebab(name)} must be at least 1, found ${value}`);
    }
    const { utilisation, peak } = given as unknown as { utilisation: number; peak: number };
    if (!(utilisation > 0 && utilisation <= 1))
      throw new Error(`--utilisation must be over 0 and at most 1, found ${utilisation}`);
    if (!(peak >= 1)) throw new Error(`--peak must be at least 1, found ${peak}`);
    return true;
  })
  .parseSync() as unknown as Traffic & {
  capacity: 'on-demand' | 'provisioned';
  peak: number;
  utilisation: number;
  json: boolean;
};

const asked = Object.fromEntries(names.map((name) => [name, args[name]])) as unknown as Traffic;
const report = reportOf(
  asked,
  { capacity: args.capacity, peak: args.peak, utilisation: args.utilisation },
  readPrices(),
  readMeasured(),
);
console.log(args.json ? JSON.stringify(report, null, 2) : reportText(report));
