import { HOURS, nothing, type Usage } from './bill';
import type { Measured, Units } from './measured';
import type { Traffic } from './traffic';

/** The capabilities of the bill. */
export const capabilities = ['sessions', 'carts', 'leaderboards', 'feeds', 'devices', 'fraud'] as const;
export type Capability = (typeof capabilities)[number];

/** One way to build a capability, and its monthly consumption. */
export interface Design {
  name: string;
  usage: Usage;
}

/** The designs of each capability: Longwatch first, then the alternatives. */
export type Designs = Readonly<Record<Capability, readonly [Design, ...Design[]]>>;

/** Constants that are neither measured nor traffic, each with its source. */
export const assumed = {
  /** Retention of closed workflows in days. Temporal Cloud's defaults are 7 to 30; the bill uses 7. */
  retentionDays: 7,
  /** Seconds between two heartbeats of a long activity (docs/streams.md). */
  heartbeatSeconds: 20,
  /** Attempts per hour of a shard's reader and of the outbox relay (docs/streams.md). */
  attemptsAnHour: 4,
  /**
   * Number of session sweepers (LONGWATCH_SESSION_BUCKETS), and the activities of each per hour while sessions become
   * due continuously.
   */
  sweepers: 4,
  sweepsAnHour: 12,
  /**
   * Sessions: LONGWATCH_SESSION_IDLE_MS, and LONGWATCH_SESSION_TOUCH_MS, which is a tenth of it. A tombstone is stored
   * until one day after the absolute timeout of 12 h.
   */
  idleMinutes: 30,
  touchMinutes: 3,
  sessionDays: 1.5,
  /** Days from the start of a cart until it is ordered, and until it is abandoned. */
  orderedAfterDays: 1,
  abandonedAfterDays: 30,
  /** Hours until a case is closed. */
  caseHours: 8,
  /**
   * Days of readings in the table (LONGWATCH_ARCHIVE_AFTER_MS). The rollups of a device by minute, hour and day are
   * stored for 31, 400 and 3,650 days; `rollupGb` limits them to the days of the bill.
   */
  hotDays: 2,
  /** Maximum number of rows in a feed: LONGWATCH_FEED_CAP. */
  feedCap: 800,
  /** GetRecords calls per second of an idle shard's reader (every 250 ms). */
  streamReadsASecond: 4,
  /** Write units per second of a partition; a table's stream has a shard for each partition. */
  partitionWrites: 1_000,
  /** Bytes of an index item that has only keys, which a count reads. */
  indexItemBytes: 120,
} as const;

const GB = 1024 ** 3;
const DAYS = HOURS / 24;

const units = (...parts: readonly [times: number, each: Units][]): Pick<Usage, 'readUnits' | 'writeUnits'> => ({
  readUnits: parts.reduce((sum, [times, { read }]) => sum + times * read, 0),
  writeUnits: parts.reduce((sum, [times, { write }]) => sum + times * write, 0),
});

/** Returns the storage of workflow histories: open for `openHours`, then retained. */
const historiesOf =
  ({ bytes }: Measured) =>
  (workflows: number, openHours: number): Pick<Usage, 'activeGbHours' | 'retainedGbHours'> => ({
    activeGbHours: (workflows * bytes.history * openHours) / GB,
    retainedGbHours: (workflows * bytes.history * assumed.retentionDays * 24) / GB,
  });

/**
 * Returns the cost of reading a stream that does not depend on its records: GetRecords calls, attempts and heartbeats.
 */
function reading(shards: number): Pick<Usage, 'actions' | 'streamReads'> {
  return {
    actions: shards * HOURS * (assumed.attemptsAnHour + 3_600 / assumed.heartbeatSeconds),
    streamReads: shards * HOURS * 3_600 * assumed.streamReadsASecond,
  };
}

const shardsOf = (writesAMonth: number, { shardsOfStreams }: Traffic): number =>
  Math.max(shardsOfStreams, Math.ceil(writesAMonth / (HOURS * 3_600) / assumed.partitionWrites));
const scanned = (bytes: number): number => (bytes / 4_096) * 0.5;

/** Returns the monthly consumption of every design, from measured operations and traffic. */
export function designsOf(traffic: Traffic, measured: Measured): Designs {
  return {
    sessions: sessions(traffic, measured),
    carts: carts(traffic, measured),
    leaderboards: leaderboards(traffic, measured),
    feeds: feeds(traffic, measured),
    devices: devices(traffic, measured),
    fraud: fraud(traffic, measured),
  };
}

/** Returns the consumption without any requests: the outbox relay, and the units of idle workers. */
export function standing(measured: Measured): Usage {
  return {
    ...nothing,
    readUnits: measured.units.restAnHour.read * HOURS,
    writeUnits: measured.units.restAnHour.write * HOURS,
    actions: HOURS * (assumed.attemptsAnHour + 3_600 / assumed.heartbeatSeconds),
  };
}

function sessions({ visits, views, minutes }: Traffic, measured: Measured): Designs['sessions'] {
  const {
    units: { sessions: of },
    bytes,
  } = measured;
  const histories = historiesOf(measured);
  const written = Math.min(views, Math.floor(minutes / assumed.touchMinutes));
  // The sweeper checks a session once per idle timeout of its life.
  const looks = Math.max(0, Math.ceil(minutes / assumed.idleMinutes) - 1) + (written > 0 ? 1 : 0);
  const storedGb = (visits * bytes.session * (assumed.sessionDays / DAYS)) / GB;
  const live = visits * bytes.session * ((minutes + assumed.idleMinutes) / (HOURS * 60));
  return [
    {
      name: 'Longwatch: touches above a threshold, four sweepers',
      usage: {
        ...nothing,
        ...units(
          [visits, of.open],
          [visits * views, of.view],
          [visits * written, of.touch],
          [visits * looks, of.rearm],
          [visits, of.expire],
        ),
        storedGb,
        actions: assumed.sweepers * assumed.sweepsAnHour * HOURS,
      },
    },
    {
      name: 'a workflow per session, a signal per request',
      // Actions: the start, a signal and a new timer per view, and an activity at the end.
      usage: {
        ...nothing,
        ...units([visits, of.open], [visits * views, of.view]),
        storedGb,
        actions: visits * (1 + views * 2 + 1),
        ...histories(visits, (minutes + assumed.idleMinutes) / 60),
      },
    },
    {
      name: 'a write per request, a scan per minute for expired sessions',
      usage: {
        ...nothing,
        ...units(
          [visits, of.open],
          [visits * views, of.view],
          [visits * views, of.touch],
          [visits, { read: 0, write: 1 }],
        ),
        readUnits: visits * views * of.view.read + scanned(live) * HOURS * 60,
        storedGb: live / GB,
      },
    },
  ];
}

function carts(
  { carts: begun, cartChanges, cartReads, orderedShare, keepMonths }: Traffic,
  measured: Measured,
): Designs['carts'] {
  const {
    units: { carts: of },
    actions,
    bytes,
  } = measured;
  const histories = historiesOf(measured);
  const ordered = begun * orderedShare;
  const left = begun - ordered;
  const requests: [number, Units][] = [
    [begun, of.begin],
    [begun * Math.max(0, cartChanges - 1), of.change],
    [begun * cartReads, of.read],
    [ordered, of.checkout],
    [ordered, of.confirm],
  ];
  const storedGb = (ordered * keepMonths * bytes.order + (left * assumed.abandonedAfterDays * bytes.cart) / DAYS) / GB;
  const open = {
    activeGbHours:
      histories(ordered, assumed.orderedAfterDays * 24).activeGbHours +
      histories(left, assumed.abandonedAfterDays * 24).activeGbHours,
    retainedGbHours: histories(begun + ordered, 0).retainedGbHours,
  };
  return [
    {
      name: 'Longwatch: a workflow per cart that wakes when a step is due',
      usage: {
        ...nothing,
        ...units(...requests, [left, of.ladder]),
        storedGb,
        actions: ordered * (actions.cartOrdered + actions.checkout) + left * actions.cartLadder,
        ...open,
      },
    },
    {
      name: 'a workflow per cart, a signal and a new timer per change',
      usage: {
        ...nothing,
        ...units(...requests, [left, of.ladder]),
        storedGb,
        actions: begun * (1 + cartChanges * 2) + left * (actions.cartLadder - 1) + ordered * (2 + actions.checkout),
        ...open,
      },
    },
    {
      name: 'no workflow: an hourly scan of all carts for due reminders',
      usage: {
        ...nothing,
        ...units(...requests, [left, { read: 4, write: 5 }]),
        readUnits:
          units(...requests).readUnits + scanned(((left * assumed.abandonedAfterDays) / DAYS) * bytes.cart) * HOURS,
        storedGb,
      },
    },
  ];
}

/** Interpolates between measured points along the logarithm; outside of them, returns the nearest point. */
function along(points: readonly { at: number; units: Units }[], at: number): Units {
  const upper = points.findIndex((point) => point.at >= at);
  const b = points[upper === -1 ? points.length - 1 : upper];
  const a = points[upper - 1] ?? b;
  if (!a || !b) return { read: 0, write: 0 };
  const share = a === b ? 0 : Math.log(at / a.at) / Math.log(b.at / a.at);
  const between = (x: number, y: number) => x + (y - x) * share;
  return { read: between(a.units.read, b.units.read), write: between(a.units.write, b.units.write) };
}

/**
 * Returns the units of one rank read, and of one change when `together` changes are in a batch, on boards with
 * `players` players.
 */
export function rankUnits(
  players: number,
  together: number,
  {
    units: {
      leaderboards: { boards },
    },
  }: Measured,
): { rank: Units; change: Units } {
  return {
    rank: along(
      boards.map(({ players: at, rank }) => ({ at, units: rank })),
      players,
    ),
    change: along(
      boards.map(({ players: at, rankedChange }) => ({
        at,
        units: along(
          rankedChange.map((point) => ({ at: point.together, units: point.units })),
          together,
        ),
      })),
      players,
    ),
  };
}

function leaderboards(traffic: Traffic, measured: Measured): Designs['leaderboards'] {
  const { players, scores, together, ranks, seasons } = traffic;
  const {
    units: { leaderboards: of },
    actions,
    bytes,
  } = measured;
  const { rank, change } = rankUnits(players, together, measured);
  const histories = historiesOf(measured);
  const storedGb = (players * (bytes.score + bytes.rankNodes)) / GB;
  const reader = reading(shardsOf(scores * of.submission.write, traffic));
  return [
    {
      name: 'Longwatch: one update per score, ranks from the stream',
      usage: {
        ...nothing,
        ...units([scores, of.submission], [scores, change], [ranks, rank]),
        storedGb,
        streamReads: reader.streamReads,
        actions: seasons * actions.season + reader.actions,
        ...histories(seasons, DAYS * 24),
      },
    },
    {
      name: 'an index by score; a rank counts all better scores',
      usage: {
        ...nothing,
        ...units([scores, { read: 0, write: of.submission.write + 2 }]),
        readUnits: ranks * Math.max(0.5, scanned((players / 2) * assumed.indexItemBytes)),
        storedGb: (players * (bytes.score + assumed.indexItemBytes)) / GB,
        actions: 0,
      },
    },
    {
      name: 'a workflow per player, a signal per score',
      usage: {
        ...nothing,
        ...units([scores, of.submission], [ranks, rank]),
        storedGb,
        actions: scores + players,
        ...histories(players, HOURS),
      },
    },
  ];
}

function feeds({ posts, followers, follows, feedReads, keepMonths }: Traffic, measured: Measured): Designs['feeds'] {
  const {
    units: { feeds: of },
    actions,
    bytes,
  } = measured;
  const histories = historiesOf(measured);
  const rows = posts * followers;
  const kept = Math.min(rows * keepMonths, (rows / Math.max(1, followers)) * assumed.feedCap);
  const base: [number, Units][] = [
    [posts, of.post],
    [follows, of.follow],
  ];
  const postsGb = (posts * keepMonths * bytes.post) / GB;
  return [
    {
      name: 'Longwatch: fan-out in batches, a workflow per post',
      usage: {
        ...nothing,
        ...units(...base, [rows, of.row], [feedReads, of.page]),
        storedGb: postsGb + (kept * bytes.row) / GB,
        actions: posts * actions.fanOut + follows * actions.follow,
        ...histories(posts + follows, 0.01),
      },
    },
    {
      name: 'an activity per follower',
      usage: {
        ...nothing,
        ...units(...base, [rows, { read: 0, write: 1 }], [feedReads, of.page]),
        storedGb: postsGb + (kept * bytes.row) / GB,
        actions: rows + posts,
        ...histories(posts, 0.1),
      },
    },
    {
      name: 'no fan-out: each read queries all followed authors',
      // One query per author: a page of an author's posts consumes at least half a unit.
      usage: {
        ...nothing,
        ...units(...base),
        readUnits: units(...base).readUnits + feedReads * (followers * 0.5 + 20),
        storedGb: postsGb,
      },
    },
  ];
}

/**
 * Returns the units of the rollups of one batch. A batch writes each of its rollups once. The number of minute rollups
 * grows with the readings; the others do not, so the units grow linearly between two measured batch sizes.
 */
export function rollupUnits(
  batch: number,
  {
    units: {
      devices: { rollups },
    },
  }: Measured,
): Units {
  const [a, b] = [rollups[0], rollups.at(-1)];
  if (!a || !b || a === b) return a?.units ?? { read: 0, write: 0 };
  const on = (x: number, y: number) => x + ((y - x) / (b.batch - a.batch)) * (batch - a.batch);
  return { read: Math.max(0, on(a.units.read, b.units.read)), write: on(a.units.write, b.units.write) };
}

function devices(traffic: Traffic, measured: Measured): Designs['devices'] {
  const { devices: count, readings, batch, keepMonths, streamShare } = traffic;
  const {
    units: { devices: of },
    actions,
    bytes,
  } = measured;
  const histories = historiesOf(measured);
  const all = count * readings * DAYS;
  const rollup = rollupUnits(batch, measured);
  const rollupGb =
    (count * bytes.rollup * (Math.min(readings, 1_440) * 31 + 24 * 400 + Math.min(keepMonths * DAYS, 3_650)) * 1) / GB;
  const hotGb = (count * readings * assumed.hotDays * bytes.reading) / GB;
  const reader = reading(shardsOf(all, traffic));
  const kinesis =
    streamShare > 0
      ? {
          shardHours: Math.max(1, Math.ceil((all * streamShare) / (HOURS * 3_600) / 1_000)) * HOURS,
          putUnits: all * streamShare,
        }
      : {};
  const requests = units([all, of.reading], [all / batch, rollup]);
  return [
    {
      name: 'Longwatch: rollups from the stream, finished days on S3',
      usage: {
        ...nothing,
        ...units([all, of.reading], [all / batch, rollup], [all, of.archived]),
        storedGb: hotGb + rollupGb,
        archivedGb: (all * keepMonths * bytes.archivedReading) / GB,
        objectPuts: DAYS * 4 + ((all * bytes.archivedReading) / (128 * 1024 ** 2)) * 3,
        streamReads: reader.streamReads,
        actions: count > 0 ? DAYS * actions.archivedDay + reader.actions : reader.actions,
        ...kinesis,
      },
    },
    {
      name: 'everything stays in the table',
      usage: {
        ...nothing,
        ...requests,
        storedGb: (all * keepMonths * bytes.reading) / GB + rollupGb,
        streamReads: reader.streamReads,
        actions: reader.actions,
        ...kinesis,
      },
    },
    {
      name: 'a workflow per device, a signal per reading',
      usage: {
        ...nothing,
        ...units([all, of.reading]),
        storedGb: (all * keepMonths * bytes.reading) / GB,
        actions: all + count,
        ...histories(count, HOURS),
        ...kinesis,
      },
    },
  ];
}

function fraud(traffic: Traffic, measured: Measured): Designs['fraud'] {
  const {
    units: { fraud: of },
    actions,
    bytes,
  } = measured;
  const histories = historiesOf(measured);
  const { payments, caseShare, keepMonths, streamShare, instances } = traffic;
  const cases = payments * caseShare;
  const storedGb = (payments * keepMonths * bytes.decision) / GB;
  const instanceHours = instances * HOURS;
  const reader = reading(shardsOf(payments * 3, traffic));
  const kinesis =
    streamShare > 0
      ? {
          shardHours: Math.max(1, Math.ceil((payments * streamShare) / (HOURS * 3_600) / 1_000)) * HOURS,
          putUnits: payments * streamShare * Math.ceil(bytes.payment / 25_600),
        }
      : {};
  return [
    {
      name: 'Longwatch: decided in the request, a workflow per case',
      usage: {
        ...nothing,
        ...units([payments, of.payment], [payments, of.counters], [cases, of.case]),
        storedGb,
        instanceHours,
        streamReads: reader.streamReads,
        actions: cases * actions.case + reader.actions,
        ...histories(cases, assumed.caseHours),
        ...kinesis,
      },
    },
    {
      name: 'a workflow per payment (update-with-start, a local activity)',
      usage: {
        ...nothing,
        ...units([payments, of.payment], [payments, of.counters], [cases, of.case]),
        storedGb,
        instanceHours,
        streamReads: reader.streamReads,
        actions: payments * 3 + cases * (actions.case - 1) + reader.actions,
        ...histories(payments, 0.001),
        ...kinesis,
      },
    },
    {
      name: 'a workflow per payment, three activities',
      usage: {
        ...nothing,
        ...units([payments, of.payment], [payments, of.counters], [cases, of.case]),
        storedGb,
        instanceHours,
        streamReads: reader.streamReads,
        actions: payments * 4 + cases * (actions.case - 1) + reader.actions,
        ...histories(payments, 0.001),
        ...kinesis,
      },
    },
  ];
}
