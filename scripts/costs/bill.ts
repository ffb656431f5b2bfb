import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** List prices in dollars, with their region, date and sources (`prices.json`). */
export interface Prices {
  note: string;
  region: string;
  date: string;
  sources: Record<string, string>;
  dynamodb: {
    writeUnit: number;
    readUnit: number;
    wcuHour: number;
    rcuHour: number;
    storageGbMonth: number;
    streamRead: number;
  };
  temporal: {
    /** Each price applies to the actions above the limit of the tier before it. */
    actionTiers: readonly { upTo: number | null; perMillion: number }[];
    activeGbHour: number;
    retainedGbHour: number;
    planMinimum: number;
    planShare: number;
    included: { actions: number; activeGbHours: number; retainedGbHours: number };
  };
  kinesis: { shardHour: number; putUnit: number; putUnitBytes: number };
  s3: { storageGbMonth: number; put: number; get: number };
  sagemaker: { instance: string; instanceHour: number };
}

/** Reads `prices.json`. */
export const readPrices = (): Prices => JSON.parse(readFileSync(join(__dirname, 'prices.json'), 'utf8')) as Prices;

/** The consumption of one month. */
export interface Usage {
  writeUnits: number;
  readUnits: number;
  storedGb: number;
  /** GetRecords calls to DynamoDB Streams. */
  streamReads: number;
  actions: number;
  activeGbHours: number;
  retainedGbHours: number;
  shardHours: number;
  putUnits: number;
  archivedGb: number;
  objectPuts: number;
  objectGets: number;
  instanceHours: number;
}

/** No consumption. */
export const nothing: Usage = {
  writeUnits: 0,
  readUnits: 0,
  storedGb: 0,
  streamReads: 0,
  actions: 0,
  activeGbHours: 0,
  retainedGbHours: 0,
  shardHours: 0,
  putUnits: 0,
  archivedGb: 0,
  objectPuts: 0,
  objectGets: 0,
  instanceHours: 0,
};

/** Returns the sum of several consumptions. */
export function sumOf(usages: readonly Usage[]): Usage {
  const sum = { ...nothing };
  for (const usage of usages) for (const name of Object.keys(sum) as (keyof Usage)[]) sum[name] += usage[name];
  return sum;
}

/** Dollars per month. */
export interface Bill {
  dynamodb: number;
  temporal: number;
  kinesis: number;
  s3: number;
  sagemaker: number;
  total: number;
}

/** The capacity mode of DynamoDB. */
export interface BillSettings {
  capacity: 'on-demand' | 'provisioned';
  /** Provisioned: traffic of the busiest hours divided by the average. */
  peak: number;
  /** Provisioned: target utilisation of auto scaling, 0 to 1. */
  utilisation: number;
}

/** Hours of a month, as on AWS's price pages: 365 × 24 / 12. */
export const HOURS = 730;

/**
 * Returns the cost of a consumption, without the fee of Temporal's plan, which an account pays once: see {@link
 * planFee}.
 */
export function billOf(usage: Usage, prices: Prices, settings: BillSettings): Bill {
  const { dynamodb: ddb, temporal, kinesis, s3 } = prices;
  const bill = {
    dynamodb:
      unitsCost(usage, prices, settings) + usage.storedGb * ddb.storageGbMonth + usage.streamReads * ddb.streamRead,
    temporal:
      actionsCost(usage.actions, prices) +
      usage.activeGbHours * temporal.activeGbHour +
      usage.retainedGbHours * temporal.retainedGbHour,
    kinesis: usage.shardHours * kinesis.shardHour + usage.putUnits * kinesis.putUnit,
    s3: usage.archivedGb * s3.storageGbMonth + usage.objectPuts * s3.put + usage.objectGets * s3.get,
    sagemaker: usage.instanceHours * prices.sagemaker.instanceHour,
  };
  return { ...bill, total: Object.values(bill).reduce((sum, one) => sum + one, 0) };
}

/**
 * Returns the bill of a whole account: the fee of Temporal's plan, and the consumption beyond what the plan includes.
 */
export function accountBill(usage: Usage, prices: Prices, settings: BillSettings): Bill & { plan: number } {
  const { included } = prices.temporal;
  const beyond = (used: number, free: number) => Math.max(0, used - free);
  const paid = {
    ...usage,
    actions: beyond(usage.actions, included.actions),
    activeGbHours: beyond(usage.activeGbHours, included.activeGbHours),
    retainedGbHours: beyond(usage.retainedGbHours, included.retainedGbHours),
  };
  const bill = billOf(paid, prices, settings);
  const plan = planFee(bill.temporal, prices);
  return { ...bill, plan, total: bill.total + plan };
}

/** Returns the fee of Temporal's plan: its minimum, or its share of the consumption if that is more. */
function planFee(consumed: number, { temporal }: Prices): number {
  return Math.max(temporal.planMinimum, consumed * temporal.planShare);
}

/** Returns the cost of Temporal actions, tier by tier. */
export function actionsCost(actions: number, { temporal }: Prices): number {
  let cost = 0;
  let from = 0;
  for (const { upTo, perMillion } of temporal.actionTiers) {
    const to = Math.min(actions, upTo ?? Number.POSITIVE_INFINITY);
    if (to > from) cost += ((to - from) / 1e6) * perMillion;
    from = upTo ?? from;
  }
  return cost;
}

function unitsCost(
  { writeUnits, readUnits }: Usage,
  { dynamodb }: Prices,
  { capacity, peak, utilisation }: BillSettings,
): number {
  if (capacity === 'on-demand') return writeUnits * dynamodb.writeUnit + readUnits * dynamodb.readUnit;
  const provisioned = (units: number) => Math.ceil((units / (HOURS * 3_600)) * (peak / utilisation));
  return (provisioned(writeUnits) * dynamodb.wcuHour + provisioned(readUnits) * dynamodb.rcuHour) * HOURS;
}
