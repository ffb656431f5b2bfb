import Table from 'cli-table3';
import { accountBill, type Bill, type BillSettings, billOf, type Prices, sumOf } from './bill';
import { capabilities, designsOf, standing } from './designs';
import type { Measured } from './measured';
import type { Traffic } from './traffic';

/** The monthly bill of every design. */
export interface Report {
  prices: Pick<Prices, 'region' | 'date'>;
  measured: Pick<Measured, 'command' | 'date' | 'engine'>;
  settings: BillSettings;
  traffic: Traffic;
  capabilities: {
    capability: string;
    designs: { name: string; bill: Bill; actions: number; timesLongwatch: number }[];
  }[];
  /** The bill without any requests: outbox relay, idle workers. */
  standing: Bill;
  /** All of Longwatch in one account, including the fee of Temporal's plan and without what the plan includes. */
  account: Bill & { plan: number };
}

/** Returns the monthly bill at the given traffic by capability, with the alternative designs. */
export function reportOf(traffic: Traffic, settings: BillSettings, prices: Prices, measured: Measured): Report {
  const designs = designsOf(traffic, measured);
  const stands = standing(measured);
  return {
    prices: { region: prices.region, date: prices.date },
    measured: { command: measured.command, date: measured.date, engine: measured.engine },
    settings,
    traffic,
    capabilities: capabilities.map((capability) => {
      const ours = billOf(designs[capability][0].usage, prices, settings).total;
      return {
        capability,
        designs: designs[capability].map(({ name, usage }) => {
          const bill = billOf(usage, prices, settings);
          return { name, bill, actions: usage.actions, timesLongwatch: bill.total / ours };
        }),
      };
    }),
    standing: billOf(stands, prices, settings),
    account: accountBill(
      sumOf([stands, ...capabilities.map((capability) => designs[capability][0].usage)]),
      prices,
      settings,
    ),
  };
}

function dollars(value: number): string {
  if (value >= 1_000_000) return `$${(value / 1e6).toFixed(2)} M`;
  return `$${value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(2)}`;
}

/** Returns the report as text, without colours, so that it also suits files and docs. */
export function reportText(report: Report): string {
  const table = new Table({
    head: ['', 'DynamoDB', 'Temporal', 'Kinesis', 'S3', 'SageMaker', 'monthly', '×'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  const row = (name: string, bill: Bill, times: string) => [
    name,
    ...[bill.dynamodb, bill.temporal, bill.kinesis, bill.s3, bill.sagemaker, bill.total].map((value) =>
      value === 0 ? '' : dollars(value),
    ),
    times,
  ];
  for (const { capability, designs } of report.capabilities) {
    table.push([{ colSpan: 8, content: capability.toUpperCase() }]);
    for (const { name, bill, timesLongwatch } of designs)
      table.push(
        row(name, bill, Number.isFinite(timesLongwatch) ? timesLongwatch.toFixed(timesLongwatch >= 10 ? 0 : 2) : ''),
      );
  }
  table.push(
    [{ colSpan: 8, content: 'ALL OF LONGWATCH' }],
    row('idle: outbox relay and stream readers', report.standing, ''),
    row('one account, minus what the plan includes', report.account, ''),
  );
  table.push([{ colSpan: 6, content: 'of which Temporal Cloud’s plan' }, dollars(report.account.plan), '']);
  const { settings, prices, measured } = report;
  const { capacity, peak, utilisation } = settings;
  const capacityText =
    capacity === 'on-demand'
      ? 'on demand'
      : `provisioned for ${peak} × the average at ${utilisation * 100} % utilisation`;
  return `${table.toString()}
DynamoDB ${capacityText}; ${prices.region}, prices of ${prices.date}.
Units, actions and bytes were measured on ${measured.date} (${measured.command}). \
Compute, network and the servers of the alternatives are not included.`;
}
