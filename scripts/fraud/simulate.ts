import type { Argv } from 'yargs';
import { DAY_MS } from '../../src/domain/fraud/profile';
import { scenarios, simulate as simulated } from '../../src/domain/fraud/simulation';
import { writeTransactions } from '../../src/lab/transactionFile';
import { asInstant } from './options';
import { withBar } from './progress';

const options = <T>(command: Argv<T>) =>
  command
    .option('out', { type: 'string', demandOption: true, describe: '.csv or .jsonl, also .gz' })
    .option('customers', { type: 'number', default: 1_000, describe: 'How many customers' })
    .option('merchants', { type: 'number', default: 200, describe: 'How many merchants' })
    .option('days', { type: 'number', default: 60, describe: 'How many days' })
    .option('from', { type: 'string', default: '2026-01-01', describe: 'First day', coerce: (text: string) => Math.floor(asInstant(text, 'from') / DAY_MS) * DAY_MS })
    .option('fraud-rate', { type: 'number', default: 0.0007, describe: 'Chance a day that a customer falls victim to a fraud' })
    .option('seed', { type: 'number', default: 1, describe: 'The same seed gives the same payments' });

export const simulate = (cli: Argv): Argv =>
  cli.command('simulate', `Simulated payments with frauds among them: ${scenarios.join(', ')}`, options, async ({ out, customers, merchants, days, from, fraudRate, seed }) => {
    const counts = new Map<string, number>(scenarios.map((scenario) => [scenario, 0]));
    let rows = 0;
    await withBar('simulating', async (show) => {
      const file = writeTransactions(out);
      for (const { transaction, fraud, scenario } of simulated({ seed, customers, merchants, days, start: from, fraudRate })) {
        await file.write({ transaction, fraud });
        if (scenario) counts.set(scenario, (counts.get(scenario) ?? 0) + 1);
        if (++rows % 1_000 === 0) show((transaction.timestamp - from) / (days * DAY_MS));
      }
      await file.close();
    });
    const frauds = [...counts.values()].reduce((sum, count) => sum + count, 0);
    console.log(`${rows} payments in ${out}, ${frauds} of them fraud: ${[...counts].map(([kind, count]) => `${kind} ${count}`).join(', ')}`);
  });
