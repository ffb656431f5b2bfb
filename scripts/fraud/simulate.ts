import { setTimeout as sleep } from 'node:timers/promises';
import type { Argv } from 'yargs';
import { DAY_MS } from '../../src/domain/fraud/profile';
import { scenarios, simulate as simulated, type SimulatedTransaction } from '../../src/domain/fraud/simulation';
import { MAX_AGE_MS } from '../../src/domain/fraud/transactionSchema';
import { PUT_LIMIT, putRecords } from '../../src/gateways/streams/kinesisProducer';
import { LabError } from '../../src/lab/errors';
import { recordOf, writeTransactions } from '../../src/lab/transactionFile';
import { asInstant } from './options';
import { openStream } from './parts';
import { withBar } from './progress';

const MAX_DAYS = MAX_AGE_MS / DAY_MS;

const options = <T>(command: Argv<T>) =>
  command
    .option('out', { type: 'string', describe: 'Output file: .csv or .jsonl, also .gz' })
    .option('stream', {
      type: 'string',
      describe:
        'Send to this Kinesis stream instead of a file; without a name, to that of the Longwatch on this machine; ' +
        'the payments end now',
    })
    .option('rate', { type: 'number', default: 200, describe: 'With --stream: payments per second' })
    .option('customers', { type: 'number', default: 1_000, describe: 'Number of customers' })
    .option('merchants', { type: 'number', default: 200, describe: 'Number of merchants' })
    .option('days', {
      type: 'number',
      describe: 'Number of days; default 60 for a file, 14 for a stream',
      defaultDescription: '60, 14',
    })
    .option('from', {
      type: 'string',
      describe: 'First day of a file; default 2026-01-01',
      coerce: (text: string | undefined) => text && Math.floor(asInstant(text, 'from') / DAY_MS) * DAY_MS,
    })
    .option('fraud-rate', {
      type: 'number',
      default: 0.0007,
      describe: 'Probability per customer and day of a fraud',
    })
    .option('seed', { type: 'number', default: 1, describe: 'Seed; the same seed gives the same payments' })
    .check(({ out, stream, rate, days, from }) => {
      if ((out === undefined) === (stream === undefined))
        throw new LabError('Set exactly one of --out FILE and --stream [NAME]');
      if (!(rate > 0)) throw new LabError('--rate must be more than 0');
      if (stream !== undefined && from !== undefined)
        throw new LabError('--from is for files; on a stream the payments end now');
      if (stream !== undefined && days !== undefined && days > MAX_DAYS)
        throw new LabError(`--days must be at most ${MAX_DAYS} with --stream: older payments are refused`);
      return true;
    });

/** The destination of simulated payments. */
interface Sink {
  where: string;
  write(one: SimulatedTransaction): Promise<void>;
  close(): Promise<void>;
}

/** The command `fraud simulate`. */
export const simulate = (cli: Argv): Argv =>
  cli.command(
    'simulate',
    `Writes simulated payments, including frauds: ${scenarios.join(', ')}`,
    options,
    async ({ out, stream, rate, customers, merchants, fraudRate, seed, ...args }) => {
      const now = Date.now();
      const days = args.days ?? (out === undefined ? 14 : 60);
      const start =
        out === undefined ? (Math.floor(now / DAY_MS) - days + 1) * DAY_MS : args.from || Date.UTC(2026, 0, 1);
      const end = start + days * DAY_MS;
      const counts = new Map<string, number>(scenarios.map((scenario) => [scenario, 0]));
      let rows = 0;
      const sink = out === undefined ? toStream(stream ?? '', rate) : toFile(out);
      // Longwatch remembers earlier payments, so each run to a stream uses its own ids.
      const prefix = out === undefined ? `sim-${now.toString(36)}-` : '';
      await withBar(out === undefined ? 'sending' : 'simulating', async (show) => {
        for (const one of simulated({ seed, customers, merchants, days, start, fraudRate, prefix })) {
          if (out === undefined && one.transaction.timestamp > now) break;
          await sink.write(one);
          if (one.scenario) counts.set(one.scenario, (counts.get(one.scenario) ?? 0) + 1);
          if (++rows % 100 === 0)
            show((one.transaction.timestamp - start) / (Math.min(end, out === undefined ? now : end) - start));
        }
        await sink.close();
      });
      const frauds = [...counts.values()].reduce((sum, count) => sum + count, 0);
      const kinds = [...counts].map(([kind, count]) => `${kind} ${count}`);
      console.log(`${rows} payments ${sink.where}, ${frauds} of them fraud: ${kinds.join(', ')}`);
    },
  );

function toFile(out: string): Sink {
  const file = writeTransactions(out);
  return { where: `in ${out}`, write: (one) => file.write(one), close: () => file.close() };
}

/** Returns a sink that sends payments to a stream in order, `rate` per second, in batches of a tenth of a second. */
function toStream(asked: string, rate: number): Sink {
  const { client, name } = openStream(asked);
  const atOnce = Math.min(PUT_LIMIT, Math.max(1, Math.round(rate / 10)));
  const started = performance.now();
  let sent = 0;
  let batch: SimulatedTransaction[] = [];
  const send = async () => {
    await putRecords(
      client,
      name,
      batch.map(({ transaction }) => ({
        key: transaction.userId,
        data: Buffer.from(JSON.stringify(recordOf(transaction))),
      })),
    );
    sent += batch.length;
    batch = [];
    await sleep(Math.max(0, (sent / rate) * 1000 - (performance.now() - started)));
  };
  return {
    where: `on the stream ${name}`,
    async write(one) {
      batch.push(one);
      if (batch.length >= atOnce) await send();
    },
    async close() {
      if (batch.length > 0) await send();
      client.destroy();
    },
  };
}
