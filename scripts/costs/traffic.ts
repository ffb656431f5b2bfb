/**
 * Traffic of a month, and months of storage. Each field is an option of `npm run costs`, with its name in kebab case.
 */
export interface Traffic {
  visits: number;
  views: number;
  minutes: number;
  carts: number;
  cartChanges: number;
  cartReads: number;
  orderedShare: number;
  players: number;
  scores: number;
  together: number;
  ranks: number;
  seasons: number;
  posts: number;
  followers: number;
  follows: number;
  feedReads: number;
  devices: number;
  readings: number;
  batch: number;
  keepMonths: number;
  payments: number;
  caseShare: number;
  streamShare: number;
  instances: number;
  shardsOfStreams: number;
}

type Described = { [Name in keyof Traffic]: { fallback: number; describe: string; group: string } };

/** The options, with their defaults and help texts. */
export const traffic: Described = {
  visits: { fallback: 10_000_000, group: 'sessions', describe: 'Visits per month; each opens one session' },
  views: { fallback: 20, group: 'sessions', describe: 'Page views per visit' },
  minutes: { fallback: 10, group: 'sessions', describe: 'Minutes per visit' },
  carts: { fallback: 1_000_000, group: 'carts', describe: 'Carts opened per month' },
  cartChanges: { fallback: 4, group: 'carts', describe: 'Changes per cart' },
  cartReads: { fallback: 10, group: 'carts', describe: 'Reads per cart' },
  orderedShare: {
    fallback: 0.3,
    group: 'carts',
    describe: 'Share of carts that are ordered; the others are reminded and abandoned',
  },
  players: { fallback: 1_000_000, group: 'leaderboards', describe: 'Players on all boards' },
  scores: { fallback: 30_000_000, group: 'leaderboards', describe: 'Submissions per month' },
  together: { fallback: 10, group: 'leaderboards', describe: 'Rank changes per batch of the stream reader (200 ms)' },
  ranks: { fallback: 60_000_000, group: 'leaderboards', describe: 'Rank reads per month' },
  seasons: { fallback: 100, group: 'leaderboards', describe: 'Seasons that end per month' },
  posts: { fallback: 3_000_000, group: 'feeds', describe: 'Posts per month' },
  followers: {
    fallback: 150,
    group: 'feeds',
    describe: 'Followers per author, averaged over posts; also the number of authors per reader',
  },
  follows: { fallback: 2_000_000, group: 'feeds', describe: 'Follows and unfollows per month' },
  feedReads: { fallback: 60_000_000, group: 'feeds', describe: 'Feed pages read per month' },
  devices: { fallback: 10_000, group: 'devices', describe: 'Devices' },
  readings: { fallback: 1_440, group: 'devices', describe: 'Readings per device and day' },
  batch: { fallback: 10, group: 'devices', describe: 'Readings per batch of a device' },
  keepMonths: {
    fallback: 12,
    group: 'all',
    describe: 'Months of orders, posts, decisions and archived readings in storage',
  },
  payments: { fallback: 10_000_000, group: 'fraud', describe: 'Payments per month' },
  caseShare: { fallback: 0.002, group: 'fraud', describe: 'Share of payments that become a case' },
  streamShare: { fallback: 0, group: 'fraud', describe: 'Share of payments and readings that arrive over Kinesis' },
  instances: { fallback: 2, group: 'fraud', describe: 'Instances of the SageMaker endpoint' },
  shardsOfStreams: { fallback: 1, group: 'all', describe: 'Minimum number of shards per stream' },
};

/** Every option's default. */
export const defaultTraffic: Traffic = Object.fromEntries(
  Object.entries(traffic).map(([name, { fallback }]) => [name, fallback]),
) as unknown as Traffic;

/** No requests: only the standing consumption remains. */
export const noTraffic: Traffic = {
  ...defaultTraffic,
  visits: 0,
  carts: 0,
  scores: 0,
  ranks: 0,
  seasons: 0,
  players: 0,
  posts: 0,
  follows: 0,
  feedReads: 0,
  devices: 0,
  payments: 0,
};
