import { accountBill, HOURS, readPrices, sumOf, type Usage } from '../costs/bill';
import { capabilities, designsOf, standing } from '../costs/designs';
import { type Measured, readMeasured } from '../costs/measured';
import { defaultTraffic, type Traffic } from '../costs/traffic';
import { assumptions, ceilings, limitsOf, metAt, users } from './limits';

/** Numbers of users for which the page has figures. */
const SIZES = [100_000, 1_000_000, 10_000_000, 100_000_000] as const;

/** Returns the traffic of `count` users. */
export function trafficOf(count: number): Traffic {
  return {
    ...defaultTraffic,
    visits: count * users.visits,
    views: users.views,
    minutes: users.minutes,
    carts: count * users.carts,
    cartChanges: users.cartChanges,
    cartReads: users.cartReads,
    orderedShare: users.orderedShare,
    players: count,
    scores: count * users.scores,
    // Changes within 200 ms, a stream reader's batch: on the biggest board in the busiest hours, over all shards that
    // it then needs.
    together: Math.max(1, (count * users.scores * users.biggestBoard * users.peak) / (HOURS * 3_600 * 5)),
    ranks: count * users.ranks,
    posts: count * users.posts,
    followers: users.followers,
    follows: count * users.follows,
    feedReads: count * users.feedReads,
    devices: count * users.devices,
    readings: users.readings,
    batch: users.batch,
    payments: count * users.payments,
    caseShare: users.caseShare,
    // Two, and one more per 500 payments per second in the busiest hours. Measure the throughput of your own instances.
    instances: 2 + Math.floor((count * users.payments * users.peak) / (HOURS * 3_600) / 500),
  };
}

const short = (value: number): string => {
  const [size, unit] = value >= 1e9 ? [1e9, ' G'] : value >= 1e6 ? [1e6, ' M'] : value >= 1e3 ? [1e3, ' k'] : [1, ''];
  const scaled = value / size;
  return `${scaled >= 100 || unit === '' ? Math.round(scaled) : Number(scaled.toPrecision(2))}${unit}`;
};

/** Formats a number of users. Numbers above the world's population (about 8,000 million) are not useful as figures. */
const people = (count: number): string => (count > 8e9 ? 'over 8 G' : short(count));

const peakOf = (aMonth: number): number => (aMonth / (HOURS * 3_600)) * users.peak;

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}

/**
 * Returns the computed part of docs/scale.md. It depends only on the measurements, the assumptions and the list prices.
 */
export function scalePage(measured: Measured = readMeasured()): string {
  const limits = limitsOf(measured);
  const parts = capabilities.map((capability) => {
    const rows = limits[capability].map((limit) => [
      limit.what,
      `${short(limit.ceiling)} ${limit.unit}`,
      people(metAt(limit)),
      limit.turn,
      limit.gains === undefined ? '–' : people(metAt(limit) * limit.gains),
    ]);
    const title = `${capability.charAt(0).toUpperCase()}${capability.slice(1)}`;
    const head = ['limit', 'value', 'reached at users', 'what to change', 'then reached at users'];
    return `### ${title}\n\n${table(head, rows)}`;
  });
  const prices = readPrices();
  const settings = { capacity: 'on-demand', peak: users.peak, utilisation: 0.7 } as const;
  const figures = SIZES.map((count) => {
    const designs = designsOf(trafficOf(count), measured);
    const each = capabilities.map((capability) => designs[capability][0].usage);
    return { count, each, all: sumOf([standing(measured), ...each]) };
  });
  const line = (name: string, of: (figure: (typeof figures)[number]) => string) => [name, ...figures.map(of)];
  const requests =
    users.visits * (users.views + 1) +
    users.carts * (users.cartChanges + users.cartReads + 2 * users.orderedShare) +
    users.scores +
    users.ranks +
    users.posts +
    users.follows +
    users.feedReads +
    (users.devices * users.readings * (HOURS / 24)) / users.batch +
    users.payments;
  const dollars = (usage: Usage) => short(accountBill(usage, prices, settings).total);
  const summary = table(
    ['users', ...SIZES.map(short)],
    [
      line('requests/s, peak', ({ count }) => short(peakOf(count * requests))),
      line('write units/s, peak', ({ all }) => short(peakOf(all.writeUnits))),
      line('read units/s, peak', ({ all }) => short(peakOf(all.readUnits))),
      line('partitions needed for the writes', ({ all }) =>
        short(Math.ceil(peakOf(all.writeUnits) / ceilings.partitionWrites)),
      ),
      line('stored in DynamoDB, GB', ({ all }) => short(all.storedGb)),
      line('archived on S3, GB', ({ all }) => short(all.archivedGb)),
      line('Temporal actions/s, peak', ({ all }) => short(peakOf(all.actions))),
      line('Temporal actions per month', ({ all }) => short(all.actions)),
      line('open workflow histories, GB', ({ all }) => short(all.activeGbHours / HOURS)),
      ...capabilities.map((capability, i) =>
        line(`write units/s, peak: ${capability}`, ({ each }) => short(peakOf(each[i]?.writeUnits ?? 0))),
      ),
      line('$ per month, total', ({ all }) => dollars(all)),
      line('$ per user and month', ({ count, all }) => (accountBill(all, prices, settings).total / count).toFixed(3)),
    ],
  );
  return `${summary}\n\n${parts.join('\n\n')}\n\n### Assumptions per user\n\n${table(
    ['assumption', 'value'],
    (Object.keys(users) as (keyof typeof users)[]).map((name) => [assumptions[name], String(users[name])]),
  )}`;
}

/** The start of the computed part of docs/scale.md. */
export const BEGIN = '<!-- computed by npm run scale: do not edit -->';
/** The end of the computed part. */
export const END = '<!-- end of the computed part -->';

/**
 * Replaces the computed part of a page, between {@link BEGIN} and {@link END}.
 * @throws Error if the page lacks them.
 */
export function withComputed(page: string, computed: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`docs/scale.md has no "${BEGIN}" and "${END}"`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${computed}\n\n${page.slice(to)}`;
}
