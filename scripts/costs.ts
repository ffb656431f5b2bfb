import { LabError } from '../src/lab/errors';
import { argumentsOf } from './commandLine';
import { readPrices } from './costs/bill';
import { readMeasured } from './costs/measured';
import { reportOf, reportText } from './costs/report';
import { type Traffic, traffic } from './costs/traffic';

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const names = Object.keys(traffic) as (keyof Traffic)[];

const shares = new Set<string>(['orderedShare', 'caseShare', 'streamShare']);
const positive = new Set<string>(['together', 'batch', 'shardsOfStreams']);

/** Checks the ranges of the options. @throws LabError */
function check(given: Traffic & { peak: number; utilisation: number }): true {
  for (const name of names) {
    const value = given[name];
    if (!(value >= 0)) throw new LabError(`--${kebab(name)} must be a number of at least 0, found ${value}`);
    if (shares.has(name) && value > 1)
      throw new LabError(`--${kebab(name)} is a share: it must be at most 1, found ${value}`);
    if (positive.has(name) && value < 1) throw new LabError(`--${kebab(name)} must be at least 1, found ${value}`);
  }
  const { utilisation, peak } = given;
  if (!(utilisation > 0 && utilisation <= 1))
    throw new LabError(`--utilisation must be over 0 and at most 1, found ${utilisation}`);
  if (!(peak >= 1)) throw new LabError(`--peak must be at least 1, found ${peak}`);
  return true;
}

const args = argumentsOf(
  {
    name: 'costs',
    about:
      'Prints the monthly cost of Longwatch at the given traffic, per capability, beside the cost of alternative ' +
      'designs. The figures come from measured operations and list prices.',
    examples: [
      ['', 'the cost of the default traffic'],
      ['--capacity provisioned --peak 5', 'with provisioned capacity and busiest hours of five times the average'],
    ],
  },
  (cli) => {
    for (const name of names)
      cli.option(kebab(name), {
        type: 'number',
        default: traffic[name].fallback,
        describe: `${traffic[name].group}: ${traffic[name].describe}`,
      });
    return cli
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
      .option('json', { type: 'boolean', default: false, describe: 'Print JSON instead of a table' })
      .check((given) => check(given as unknown as Traffic & typeof given));
  },
);

const asked = Object.fromEntries(names.map((name) => [name, (args as unknown as Traffic)[name]])) as unknown as Traffic;
const report = reportOf(
  asked,
  { capacity: args.capacity, peak: args.peak, utilisation: args.utilisation },
  readPrices(),
  readMeasured(),
);
console.log(args.json ? JSON.stringify(report, null, 2) : reportText(report));
