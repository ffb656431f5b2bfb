/** Traffic of a month, and what is kept. Each is a flag of `npm run costs`, by its name in kebab case. */
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

export const traffic: Described = {
  visits: { fallback: 10_000_000, group: 'sessions', describe: 'Visits a month, a session each' },
  views: { fallback: 20, group: 'sessions', describe: 'Page views of a visit' },
  minutes: { fallback: 10, group: 'sessions', describe: 'Minutes that a visit lasts' },
  carts: { fallback: 1_000_000, group: 'carts', describe: 'Carts begun a month' },
  cartChanges: { fallback: 4, group: 'carts', describe: 'Changes of a cart' },
  cartReads: { fallback: 10, group: 'carts', describe: 'Readings of a cart' },
  orderedShare: { fallback: 0.3, group: 'carts', describe: 'Carts that are ordered; the others are reminded and abandoned' },
  players: { fallback: 1_000_000, group: 'leaderboards', describe: 'Players of all boards' },
  scores: { fallback: 30_000_000, group: 'leaderboards', describe: 'Submissions a month' },
  together: { fallback: 10, group: 'leaderboards', describe: 'Changes of ranks that come within one look of the reader (200 ms)' },
  ranks: { fallback: 60_000_000, group: 'leaderboards', describe: 'Readings of ranks a month' },
  seasons: { fallback: 100, group: 'leaderboards', describe: 'Seasons that end a month' },
  posts: { fallback: 3_000_000, group: 'feeds', describe: 'Posts a month' },
  followers: { fallback: 150, group: 'feeds', describe: 'Followers of an author, on average over posts; also how many a reader follows' },
  follows: { fallback: 2_000_000, group: 'feeds', describe: 'Follows and unfollows a month' },
  feedReads: { fallback: 60_000_000, group: 'feeds', describe: 'Pages of feeds read a month' },
  devices: { fallback: 10_000, group: 'devices', describe: 'Devices' },
  readings: { fallback: 1_440, group: 'devices', describe: 'Readings of a device a day' },
  batch: { fallback: 10, group: 'devices', describe: 'Readings of a device that come together' },
  keepMonths: { fallback: 12, group: 'all', describe: 'Months that orders, posts, decisions and archived readings have been kept' },
  payments: { fallback: 10_000_000, group: 'fraud', describe: 'Payments a month' },
  caseShare: { fallback: 0.002, group: 'fraud', describe: 'Payments that become a case' },
  streamShare: { fallback: 0, group: 'fraud', describe: 'Payments and readings that come by Kinesis' },
  instances: { fallback: 2, group: 'fraud', describe: 'Instances of the SageMaker endpoint' },
  shardsOfStreams: { fallback: 1, group: 'all', describe: 'Shards at least of each stream that is read' },
};

export const defaultTraffic: Traffic = Object.fromEntries(Object.entries(traffic).map(([name, { fallback }]) => [name, fallback])) as unknown as Traffic;

/** No requests at all: what stands is left. */
export const noTraffic: Traffic = { ...defaultTraffic, visits: 0, carts: 0, scores: 0, ranks: 0, seasons: 0, players: 0, posts: 0, follows: 0, feedReads: 0, devices: 0, payments: 0 };
