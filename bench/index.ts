import type { ArgumentsCamelCase, Argv } from 'yargs';
import { runCommand } from '../scripts/commandLine';
import { benchDevices } from './devices';
import { benchDevicesArchive } from './devicesArchive';
import { benchDevicesMemory } from './devicesMemory';
import { benchFeeds } from './feeds';
import { benchCarts } from './carts';
import { benchCosts } from './costs';
import { benchFraud } from './fraud';
import { benchFraudFeatures } from './fraudFeatures';
import { benchFraudRules } from './fraudRules';
import { benchFraudStream } from './fraudStream';
import { benchLeaderboards } from './leaderboards';
import { benchLoad } from './load';
import { benchSessions } from './sessions';
import { benchStart } from './start';
import { benchTelemetry } from './telemetry';
import { endTogether, watchChildren } from './support/children';

/**
 * Each benchmark measures the product, the bare calls (baseline) and a peer in the same run. Only their ratios are
 * meaningful.
 */
const endChildren = watchChildren();
endTogether(endChildren);

/** Returns a command that measures. Whether it ends or fails, it leaves no child process. */
const bench =
  <T>(
    name: string,
    describe: string,
    options: (command: Argv) => Argv<T>,
    run: (args: ArgumentsCamelCase<T>) => unknown,
  ) =>
  (cli: Argv): Argv =>
    cli.command(name, describe, options, async (args) => {
      try {
        await run(args);
      } finally {
        await endChildren();
      }
      process.exit();
    });

runCommand(
  {
    name: 'bench',
    about: 'Measures Longwatch beside the bare calls that it cannot avoid and beside a peer, on a stack of its own.',
    examples: [
      ['fraud --rounds 3', 'decisions through HTTP, in three rounds'],
      ['fraud --help', 'the options of one bench'],
    ],
  },
  [
    bench(
      'carts',
      'adding to carts, reading them and checking out, beside the bare calls; Temporal actions of a cart',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 5, describe: 'Rounds; each measures all in turn' })
          .option('samples', { type: 'number', default: 150, describe: 'Latencies a round' })
          .option('checkouts', { type: 'number', default: 100, describe: 'Checkouts a round, eight at once' }),
      (args) => benchCarts(args),
    ),
    bench(
      'costs',
      'units of DynamoDB, billable actions of Temporal and bytes of every capability’s operations, into the file ' +
        'that npm run costs reads',
      (command) => command,
      () => benchCosts(),
    ),
    bench(
      'fraud',
      'decisions through HTTP, beside the bare calls they cannot avoid and beside a workflow a decision',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 5, describe: 'Rounds; each measures all three in turn' })
          .option('samples', { type: 'number', default: 100, describe: 'Latencies a round' })
          .option('seconds', { type: 'number', default: 4, describe: 'Seconds of throughput a round' })
          .option('concurrency', {
            type: 'number',
            default: 16,
            describe: 'Decisions in flight while throughput is measured',
          }),
      (args) => benchFraud(args),
    ),
    bench(
      'fraud-features',
      'the features of a file of payments on one core, beside plain pandas (PYTHON: one that has pandas)',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 3, describe: 'Rounds; each measures both in turn' })
          .option('customers', { type: 'number', default: 1_500, describe: 'Customers of the file' })
          .option('days', { type: 'number', default: 90, describe: 'Days of the file' }),
      (args) => benchFraudFeatures(args),
    ),
    bench(
      'fraud-rules',
      'what each rule of the default set hits on simulated payments',
      (command) => command,
      () => benchFraudRules(),
    ),
    bench(
      'fraud-stream',
      'decisions from a Kinesis stream on one shard and on four, beside the bare calls by the batch and beside a ' +
        'workflow a transaction',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 3, describe: 'Rounds; each measures all in turn' })
          .option('records', { type: 'number', default: 2_000, describe: 'Transactions a round' })
          .option('seconds', { type: 'number', default: 4, describe: 'Seconds of workflows a round' }),
      (args) => benchFraudStream(args),
    ),
    bench(
      'sessions',
      'the session store beside connect-dynamodb: latency, requests, units; and how fast and how late the sweepers ' +
        'end sessions',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 7, describe: 'Rounds; each measures both stores in turn' })
          .option('samples', { type: 'number', default: 200, describe: 'Latencies of each operation a round' })
          .option('visits', { type: 'number', default: 50, describe: 'Visits of 20 page views' })
          .option('due', { type: 'number', default: 5_000, describe: 'Sessions that are due at once' })
          .option('seconds', {
            type: 'number',
            default: 20,
            describe: 'Seconds in which sessions come due one after another',
          })
          .option('rate', { type: 'number', default: 40, describe: 'Of those, sessions a second' }),
      (args) => benchSessions(args),
    ),
    bench(
      'start',
      'how long a start takes and what memory it needs, with all capabilities and with each alone',
      (command) => command.option('rounds', { type: 'number', default: 3, describe: 'Starts of each' }),
      (args) => benchStart(args),
    ),
    bench(
      'leaderboards',
      'submissions beside the bare UpdateItem, ranks beside Redis on this machine, and how far ranks are behind ' +
        'under load',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 5, describe: 'Rounds; each measures all in turn' })
          .option('samples', { type: 'number', default: 200, describe: 'Latencies a round' })
          .option('players', {
            type: 'number',
            default: 100_000,
            describe: 'Players of the board that ranks are read from; 1000000 takes a minute or two to fill',
          })
          .option('seconds', { type: 'number', default: 15, describe: 'Seconds of load while the lag is measured' }),
      (args) => benchLeaderboards(args),
    ),
    bench(
      'feeds',
      'fan-out beside bare batch writes, time to the last follower, feeds pushed, pulled and mixed, ' +
        'actions by followers',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 10, describe: 'Rounds; each measures all in turn' })
          .option('followers', {
            type: 'number',
            array: true,
            default: [100, 10_000, 100_000],
            describe: 'Followers of the authors whose posts are timed',
          })
          .option('samples', { type: 'number', default: 60, describe: 'Readings a round' }),
      (args) => benchFeeds(args),
    ),
    bench(
      'devices',
      'readings by HTTP, MQTT and Kinesis beside the bare BatchWriteItem; a day’s way to the archive beside bare ' +
        'reading, writing and deleting',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 3, describe: 'Rounds; each measures all in turn' })
          .option('readings', { type: 'number', default: 2_500, describe: 'Readings by each path and round' })
          .option('devices', { type: 'number', default: 8, describe: 'Devices of the day that is archived' })
          .option('each', { type: 'number', default: 500, describe: 'Readings of each of them' }),
      async ({ rounds, readings, devices, each }) => {
        await benchDevices({ rounds, readings });
        await benchDevicesArchive({ rounds, devices, each });
      },
    ),
    bench(
      'load',
      'the API in a closed loop from a cold start, at ten times its capacity, and flooded by one class and one caller',
      (command) =>
        command
          .option('rounds', {
            type: 'number',
            default: 3,
            describe: 'Rounds of the open loop; each measures capacity, 70 % of it, overload and afterwards in turn',
          })
          .option('seconds', { type: 'number', default: 12, describe: 'Seconds of each' })
          .option('factor', { type: 'number', default: 10, describe: 'Times its capacity that is offered' })
          .option('minutes', {
            type: 'number',
            default: 3,
            describe: 'Minutes of overload afterwards, while throughput, latency and the heap are watched; 0: none',
          })
          .option('only', { choices: ['closed', 'open', 'fairness'] as const, describe: 'One part alone' }),
      (args) => benchLoad(args),
    ),
    bench(
      'devices-memory',
      'the heap that a large day takes on its way to the archive and back',
      (command) =>
        command
          .option('rows', { type: 'number', default: 10_000_000, describe: 'Readings of the day' })
          .option('heap', { type: 'number', default: 96, describe: 'Limit of the heap, in MB' }),
      ({ rows, heap }) => benchDevicesMemory({ rows, heap }),
    ),
    bench(
      'telemetry',
      'DynamoDB calls with and without their consumed capacity; ' +
        'decisions with tracing off, for one in ten, and for all',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 5, describe: 'Rounds' })
          .option('samples', { type: 'number', default: 200, describe: 'Latencies of each a round' }),
      (args) => benchTelemetry(args),
    ),
  ],
);
