import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { type Decision, outcomes } from '../src/domain/fraud/decision';
import { type SimulatedTransaction, simulate } from '../src/domain/fraud/simulation';
import { readAddresses } from '../src/local/addresses';
import { waitingCasesLink } from '../src/local/screen';

/** Sends simulated payments, frauds among them, to a running Longwatch and says what came of them. */
const args = yargs(hideBin(process.argv))
  .scriptName('npm run demo --')
  .usage('$0\n\nSends the payments of some customers, frauds of several kinds among them, to a running Longwatch.')
  .option('url', { type: 'string', describe: 'The API; default where the stack of the data folder listens' })
  .option('key', { type: 'string', describe: 'An API key; default the development key of the data folder' })
  .option('data-dir', { type: 'string', default: process.env['LONGWATCH_DATA_DIR'] ?? '.longwatch', describe: 'The data folder of the running stack' })
  .option('ui', { type: 'string', describe: 'The Web UI, for links; default that of the stack' })
  .option('customers', { type: 'number', default: 300, describe: 'How many customers' })
  .option('days', { type: 'number', default: 6, describe: 'How many days of payments' })
  .strict()
  .help()
  .parseSync();

const found = readAddresses(args.dataDir);
const url = args.url ?? found?.api ?? 'http://127.0.0.1:3000';
const ui = args.ui ?? found?.ui ?? 'http://127.0.0.1:8233';
const namespace = found?.namespace ?? 'default';

const DAY_MS = 86_400_000;
const CONCURRENCY = 4;
/** No colours: the tables are for files, too. */
const style = { head: [], border: [] };

function developmentKey(): string {
  const file = join(args.dataDir, 'secrets.json');
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { apiKey: string }).apiKey;
  } catch {
    console.error(`There is no ${file}. Start Longwatch first (npm start), or give --key.`);
    return process.exit(1);
  }
}

async function send({ transaction }: SimulatedTransaction, key: string): Promise<Decision> {
  const body = JSON.stringify({ ...transaction, timestamp: new Date(transaction.timestamp).toISOString() });
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(`${url}/v1/transactions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body,
    });
    if (response.ok) return (await response.json()) as Decision;
    // Busy for a moment: the same id again is the same transaction.
    if (response.status !== 503 || attempt === 5) throw new Error(`${response.status}: ${await response.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 500 * attempt));
  }
}

async function main(): Promise<void> {
  const key = args.key ?? developmentKey();
  const start = Math.floor(Date.now() / DAY_MS) * DAY_MS - args.days * DAY_MS;
  const run = Date.now().toString(36);
  const payments = [
    ...simulate({ seed: Date.now() % 100_000, customers: args.customers, merchants: 60, days: args.days, start, fraudRate: 0.006, prefix: `demo-${run}-` }),
  ];
  const bar = new SingleBar({ format: '{bar} {percentage} % | {value} of {total} payments | {eta_formatted} left', hideCursor: true, noTTYOutput: true, notTTYSchedule: 5_000 });
  bar.start(payments.length, 0);
  const counts = new Map<string, { genuine: number; fraud: number }>(outcomes.map((outcome) => [outcome, { genuine: 0, fraud: 0 }]));
  const kinds = new Map<string, { stopped: number; all: number }>();
  const open: { payment: SimulatedTransaction; decision: Decision }[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let payment = payments[next++]; payment; payment = payments[next++]) {
      const decision = await send(payment, key);
      const count = counts.get(decision.outcome);
      if (count) count[payment.fraud ? 'fraud' : 'genuine'] += 1;
      if (payment.scenario) {
        const { stopped, all } = kinds.get(payment.scenario) ?? { stopped: 0, all: 0 };
        kinds.set(payment.scenario, { stopped: stopped + Number(decision.outcome !== 'approve'), all: all + 1 });
      }
      if (decision.investigationId) open.push({ payment, decision });
      bar.increment();
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane)).finally(() => bar.stop());
  const table = new Table({ head: ['outcome', 'genuine payments', 'frauds'], style });
  for (const [outcome, { genuine, fraud }] of counts) table.push([outcome, genuine, fraud]);
  console.log(`\n${table.toString()}\n`);
  const byKind = new Table({ head: ['kind of fraud', 'payments', 'not approved'], style });
  for (const [kind, { stopped, all }] of [...kinds].sort()) byKind.push([kind, all, stopped]);
  console.log(`${byKind.toString()}\n`);
  const cases = new Table({ head: ['outcome', 'score', 'in truth', 'case'], style });
  for (const { payment, decision } of open.slice(0, 12))
    cases.push([
      decision.outcome,
      decision.score?.toFixed(2) ?? '–',
      payment.scenario ?? 'genuine',
      `${ui}/namespaces/${namespace}/workflows/${encodeURIComponent(`investigation/${decision.transactionId}`)}`,
    ]);
  console.log(`${open.length} investigations are open; the first of them:\n${cases.toString()}\n`);
  console.log(`All that wait for you: ${waitingCasesLink(ui, namespace)}`);
}

main().catch((error: unknown) => {
  const cause = (error as { cause?: { code?: string } }).cause?.code;
  console.error(cause === 'ECONNREFUSED' ? `Nothing answers at ${url}. Start Longwatch first: npm start` : String(error));
  process.exit(1);
});
