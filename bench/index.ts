import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { benchFraud } from './fraud';

void yargs(hideBin(process.argv))
  .scriptName('npm run bench --')
  .usage('$0 <capability>\n\nMeasures the product, its floor and its peer in one run. Quote the ratios: the machine is never alone.')
  .command(
    'fraud',
    'Decisions through HTTP, beside the bare calls and beside a workflow a transaction',
    (args) =>
      args
        .option('seconds', { type: 'number', default: 6, describe: 'Length of each throughput round' })
        .option('samples', { type: 'number', default: 400, describe: 'Sequential decisions per latency round' })
        .option('rounds', { type: 'number', default: 3, describe: 'Rounds; the median is reported' })
        .option('concurrency', { type: 'number', default: 16, describe: 'Requests in flight in throughput rounds' }),
    async (args) => benchFraud(args),
  )
  .demandCommand(1, 'Say which capability: fraud')
  .strict()
  .help()
  .parseAsync();
