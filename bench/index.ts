import type { ArgumentsCamelCase, Argv } from 'yargs';
import { runCommand } from '../scripts/commandLine';
import { endTogether, watchChildren } from './support/children';
import { printReached } from './support/targets';

/**
 * Each benchmark measures the product, the bare calls (baseline) and a peer in the same run. Only their ratios are
 * meaningful.
 */
const endChildren = watchChildren();
endTogether(endChildren);

/** Returns a command that measures. Whether it ends or fails, it leaves no child process. */
const bench =
  <T>(
    name: string | readonly string[],
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
    about: 'Measures Longwatch, the bare calls that it cannot avoid (the baseline), and a peer, on its own stack.',
    examples: [
      ['', 'every target beside what is reached'],
      ['fraud --rounds 3', 'decisions through HTTP, in three rounds'],
      ['fraud --help', 'the options of one benchmark'],
    ],
  },
  [
    bench(
      ['targets', '$0'],
      'every target of speed and memory beside what is reached, in one run of about a quarter of an hour',
      (command) => command.option('rounds', { type: 'number', default: 5, describe: 'Rounds of each measurement' }),
      async ({ rounds }) => (await import('./targets.js')).benchTargets(rounds),
    ),
    bench(
      'carts',
      'adding to carts, reading them and checking out, and the bare calls; Temporal actions of a cart',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 5, describe: 'Rounds; each measures all in turn' })
          .option('samples', { type: 'number', default: 150, describe: 'Latencies a round' })
          .option('checkouts', { type: 'number', default: 100, describe: 'Checkouts per round, eight at a time' }),
      async (args) => {
        printReached(await (await import('./carts.js')).benchCarts(args));
        await (await import('./cartCosts.js')).actionsOfCarts();
      },
    ),
    bench(
      'costs',
      'units of DynamoDB, billable actions of Temporal and bytes of every capability’s operations, into the file ' +
        'that npm run costs reads',
      (command) => command,
      async () => (await import('./costs.js')).benchCosts(),
    ),
    bench(
      'fraud',
      'decisions through HTTP, the bare calls that they cannot avoid, and a workflow per decision',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 5, describe: 'Rounds; each measures all three in turn' })
          .option('samples', { type: 'number', default: 100, describe: 'Latencies a round' })
          .option('seconds', { type: 'number', default: 4, describe: 'Seconds of throughput per round' }),
      async (args) => (await import('./fraud.js')).benchFraud(args).then(printReached),
    ),
    bench(
      'fraud-features',
      'the features of a file of payments on one core, and plain pandas (PYTHON: a Python with pandas)',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 3, describe: 'Rounds; each measures both in turn' })
          .option('customers', { type: 'number', default: 1_500, describe: 'Customers of the file' })
          .option('days', { type: 'number', default: 90, describe: 'Days of the file' }),
      async (args) => (await import('./fraudFeatures.js')).benchFraudFeatures(args),
    ),
    bench(
      'fraud-rules',
      'the hits of each rule of the default set on simulated payments',
      (command) => command,
      async () => (await import('./fraudRules.js')).benchFraudRules(),
    ),
    bench(
      'fraud-stream',
      'decisions from a Kinesis stream on one shard and on four, the bare calls by the batch, and a ' +
        'workflow per transaction',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 3, describe: 'Rounds; each measures all in turn' })
          .option('records', { type: 'number', default: 2_000, describe: 'Transactions per round' })
          .option('seconds', { type: 'number', default: 4, describe: 'Seconds of workflows per round' }),
      async (args) => (await import('./fraudStream.js')).benchFraudStream(args),
    ),
    bench(
      'memory',
      'memory of npm start and npm run api at rest',
      (command) =>
        command.option('seconds', {
          type: 'number',
          default: 120,
          describe: 'Seconds without a request before the memory is read',
        }),
      async (args) => (await import('./memory.js')).benchMemory(args).then(printReached),
    ),
    bench(
      'sdk',
      'processor time of calls to DynamoDB and SageMaker, by Longwatch’s clients and by the default ones',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 7, describe: 'Rounds; each measures both in turn' })
          .option('calls', { type: 'number', default: 1_000, describe: 'Calls of each kind per round' }),
      async (args) => (await import('./sdk.js')).benchSdk(args).then(printReached),
    ),
    bench(
      'sessions',
      'the session store and connect-dynamodb: latency, requests, units; speed and lateness of the sweepers ' +
        'that end sessions',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 7, describe: 'Rounds; each measures both stores in turn' })
          .option('samples', { type: 'number', default: 200, describe: 'Samples of each operation per round' })
          .option('visits', { type: 'number', default: 50, describe: 'Visits of 20 page views' })
          .option('due', { type: 'number', default: 5_000, describe: 'Sessions that are due at once' })
          .option('seconds', {
            type: 'number',
            default: 20,
            describe: 'Seconds in which sessions become due one after another',
          })
          .option('rate', {
            type: 'number',
            default: 40,
            describe: 'Sessions per second that become due one after another',
          }),
      async (args) => (await import('./sessions.js')).benchSessions(args).then(printReached),
    ),
    bench(
      'start',
      'duration and memory of a start, with all capabilities and with each alone',
      (command) => command.option('rounds', { type: 'number', default: 3, describe: 'Starts of each' }),
      async (args) => (await import('./start.js')).benchStart(args),
    ),
    bench(
      'leaderboards',
      'submissions and the bare UpdateItem, ranks and Redis on this machine, and the lag of the ranks under load',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 5, describe: 'Rounds; each measures all in turn' })
          .option('samples', { type: 'number', default: 200, describe: 'Latencies a round' })
          .option('players', {
            type: 'number',
            default: 100_000,
            describe: 'Players of the board from which ranks are read; 1000000 take a minute or two to write',
          })
          .option('seconds', { type: 'number', default: 15, describe: 'Seconds of load while the lag is measured' }),
      async (args) => (await import('./leaderboards.js')).benchLeaderboards(args).then(printReached),
    ),
    bench(
      'feeds',
      'fan-out and bare batch writes, time to the last follower, feeds pushed, pulled and mixed, ' +
        'actions by followers',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 10, describe: 'Rounds; each measures all in turn' })
          .option('followers', {
            type: 'number',
            array: true,
            default: [100, 10_000, 100_000],
            describe: 'Numbers of followers of the measured authors',
          })
          .option('samples', { type: 'number', default: 60, describe: 'Feed reads per round' }),
      async (args) => (await import('./feeds.js')).benchFeeds(args).then(printReached),
    ),
    bench(
      'devices',
      'readings by HTTP, MQTT and Kinesis, and the bare BatchWriteItem; the archive of a day, and bare ' +
        'reading, writing and deleting',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 3, describe: 'Rounds; each measures all in turn' })
          .option('readings', { type: 'number', default: 2_500, describe: 'Readings per path and round' })
          .option('devices', { type: 'number', default: 8, describe: 'Devices of the archived day' })
          .option('each', { type: 'number', default: 500, describe: 'Readings per device' }),
      async ({ rounds, readings, devices, each }) => {
        await (await import('./devices.js')).benchDevices({ rounds, readings });
        await (await import('./devicesArchive.js')).benchDevicesArchive({ rounds, devices, each });
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
          .option('factor', { type: 'number', default: 10, describe: 'Offered load as a multiple of the capacity' })
          .option('minutes', {
            type: 'number',
            default: 3,
            describe: 'Minutes of overload afterwards, with throughput, latency and heap; 0: none',
          })
          .option('only', { choices: ['closed', 'open', 'fairness'] as const, describe: 'Only one part' }),
      async (args) => (await import('./load.js')).benchLoad(args),
    ),
    bench(
      'devices-memory',
      'the heap for writing a large day to the archive and reading it back',
      (command) =>
        command
          .option('rows', { type: 'number', default: 10_000_000, describe: 'Readings of the day' })
          .option('heap', { type: 'number', default: 96, describe: 'Limit of the heap in MB' }),
      async ({ rows, heap }) => (await import('./devicesMemory.js')).benchDevicesMemory({ rows, heap }),
    ),
    bench(
      'telemetry',
      'DynamoDB calls with and without their consumed capacity; ' +
        'decisions with tracing off, for one in ten, and for all',
      (command) =>
        command
          .option('rounds', { type: 'number', default: 5, describe: 'Rounds' })
          .option('samples', { type: 'number', default: 200, describe: 'Samples of each per round' }),
      async (args) => (await import('./telemetry.js')).benchTelemetry(args),
    ),
  ],
);
