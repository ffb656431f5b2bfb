import type { WorkflowHandle } from '@temporalio/client';
import { FRAUD_QUEUE } from '../../src/domain/fraud/workflows';
import { CARTS_QUEUE } from '../../src/domain/carts/workflows';
import { DEVICES_QUEUE } from '../../src/domain/devices/workflows';
import { FEEDS_QUEUE } from '../../src/domain/feeds/workflows';
import { LEADERBOARDS_QUEUE } from '../../src/domain/leaderboards/workflows';
import { PLATFORM_QUEUE } from '../../src/domain/platform/workflows';
import { SESSIONS_QUEUE } from '../../src/domain/sessions/workflows';
import type { WorkflowType } from './workflows';

/** A run of one workflow type with scripted activities: what it is started with, and what its activities answer. */
export interface LifecycleScript {
  queue: string;
  /** @param id A word that is another one for each run. */
  args(id: string, now: number): unknown[];
  /** By name; `call` counts the calls of this activity from 1. */
  activities: Readonly<Record<string, (call: number, now: number) => unknown>>;
  /** What a person sends while it runs. */
  drive?(handle: WorkflowHandle): Promise<void>;
  /** It never ends; it lives as long as it goes on asking for this activity. */
  endless?: string;
  /**
   * Calls that are made anew when one of this activity was refused, where it is not that call alone: its child begins
   * anew.
   */
  again?: Readonly<Record<string, number>>;
  /** Workflow ids of its children. */
  children?(id: string): string[];
}

const HOUR = 3_600_000;
const done = () => undefined;
const slice = () => ({ rows: 1 });
const shard = { gameId: 'g', season: 1, shard: 0 };
const part = { name: 'part-00000.parquet', rows: 1, bytes: 1, sha256: '', minTime: 0, maxTime: 0 };
const checked = { players: 1, differences: 0, replaced: false };
const noRollups = () => ({ devices: 1, replaced: 0, unsettled: 0 });
const archiving = {
  planArchive: () => ({ day: 'd', generation: 1, lanes: [{ buckets: [0], firstPart: 0 }], isRestored: false }),
  writeLane: () => [part],
  writeManifest: () => ({ rows: 1, parts: 1 }),
  verifyPart: done,
  commitArchive: done,
  partsToDelete: () => [part],
  deletePart: done,
  finishArchive: done,
};
const post = (id: string) => [
  { post: { key: `2026-01-01T00:00:00.000Z#${id}`, authorId: 'ada' }, plan: { ranges: 2, bulk: false }, followers: 2 },
];
/** Any word serves as a day: the scripted activities read none. */
const dayOf = (id: string): string => id;

const policy = {
  answerWithinMs: HOUR,
  slaWarningMs: HOUR,
  slaBreachMs: 2 * HOUR,
  finalAfterMs: 72 * HOUR,
  finalPolicy: 'keep',
  remindEveryMs: 24 * HOUR,
  fourEyesAbove: 1_000_000,
  userHoldMs: HOUR,
};
const facts = (id: string, openedAt: number) => ({
  transactionId: id,
  userId: 'ada',
  merchantId: 'shop',
  amount: 100,
  currency: 'EUR',
  timestamp: openedAt,
  outcome: 'review',
  score: 0.5,
  reasons: [],
  openedAt,
});

/** One entry a workflow type: the compiler asks for the missing ones. */
export const lifecycleScripts: Readonly<Record<WorkflowType, LifecycleScript>> = {
  investigation: {
    queue: FRAUD_QUEUE,
    args: (id, now) => [{ facts: facts(id, now), policy }],
    activities: {
      scoreCase: () => ({ score: 0.9, contributions: [], modelVersion: 'm', outcome: 'review', reasons: [] }),
      recordCase: done,
      closeCase: done,
      sendLetter: done,
      proveSender: () => ({ name: 'ana', proof: 'api', role: 'investigator' }),
    },
    drive: async (handle) =>
      void (await handle.executeUpdate('decide', { args: [{ decision: 'genuine', by: 'ana' }] })),
  },
  cart: {
    queue: CARTS_QUEUE,
    args: () => [{ userId: 'ada', cartNumber: 1 }],
    activities: {
      lookAtCart: (call, now) =>
        call < 3 ? { until: now + HOUR, next: 'a reminder', page: 'waits' } : { ended: 'abandoned', page: 'ended' },
    },
  },
  checkout: {
    queue: CARTS_QUEUE,
    args: (id, now) => [{ checkoutId: id, holdUntil: now + HOUR }],
    activities: {
      settleCheckout: (call, now) =>
        call < 2 ? { until: now + HOUR, page: 'held' } : { ended: 'expired', page: 'ended' },
    },
  },
  season: {
    queue: LEADERBOARDS_QUEUE,
    args: () => [{ gameId: 'g', season: 1 }],
    activities: {
      carryBans: done,
      seasonEnd: (_, now) => ({ endsAt: now + HOUR, graceMs: 0 }),
      closeSeason: () => 1_700_000_000_000,
      planSeasons: done,
      awaitRanks: () => [shard],
      checkRanks: () => checked,
      writeStandings: () => 1,
      grantRewards: () => 1,
      finishSeason: done,
      archiveSeason: done,
    },
  },
  seasonMoved: { queue: LEADERBOARDS_QUEUE, args: () => [{ gameId: 'nobody', season: 1 }], activities: {} },
  rankCheck: {
    queue: LEADERBOARDS_QUEUE,
    args: () => [{ mode: 'audit' }],
    activities: { ranksToCheck: () => ({ shards: [shard, shard] }), checkRanks: () => checked, sendNotice: done },
  },
  eraseDevice: {
    queue: DEVICES_QUEUE,
    args: (id) => [{ deviceId: id, waitMs: HOUR }],
    activities: {
      daysOfDevice: () => ['DAY'],
      eraseRows: done,
      rewriteDay: () => ({ rewritten: 1 }),
      awaitMarks: done,
      eraseRest: done,
      finishErasure: () => [],
    },
    // A child per day does both steps, and fails at a refusal, so that the day is free for other work.
    again: { rewriteDay: 2 },
    children: (id) => [`archive/${dayOf(id)}`],
  },
  eraseDay: {
    queue: DEVICES_QUEUE,
    args: (id) => [{ day: dayOf(id), deviceId: 'd', mark: 'm' }],
    activities: { eraseRows: done, rewriteDay: () => ({ rewritten: 1 }) },
  },
  archiveDay: { queue: DEVICES_QUEUE, args: (id) => [{ day: dayOf(id) }], activities: archiving },
  archiveDue: {
    queue: DEVICES_QUEUE,
    args: () => [],
    activities: { dueDays: () => [{ day: 'DAY', what: 'archive' }], deleteRollups: () => 0, ...archiving },
    children: (id) => [`archive/${dayOf(id)}`],
  },
  expireDay: { queue: DEVICES_QUEUE, args: (id) => [{ day: dayOf(id) }], activities: { expireDay: done } },
  restoreDay: {
    queue: DEVICES_QUEUE,
    args: (id) => [{ day: dayOf(id) }],
    activities: {
      beginRestore: () => ({ day: 'd', generation: 1, rows: 1, parts: [part] }),
      restorePart: done,
      finishRestore: done,
    },
  },
  rollupCheck: {
    queue: DEVICES_QUEUE,
    args: (id) => [{ days: [dayOf(id)] }],
    activities: { checkRollups: noRollups },
    children: (id) => [`archive/${dayOf(id)}`],
  },
  rollupCheckDay: { queue: DEVICES_QUEUE, args: (id) => [{ day: dayOf(id) }], activities: { checkRollups: noRollups } },
  deviceAlerts: { queue: DEVICES_QUEUE, args: () => [{ events: [] }], activities: { tellAlerts: done } },
  silence: { queue: DEVICES_QUEUE, args: () => [], activities: { watchSilence: () => 0 }, endless: 'watchSilence' },
  fanOut: { queue: FEEDS_QUEUE, args: post, activities: { deliver: slice } },
  retract: { queue: FEEDS_QUEUE, args: post, activities: { retract: slice } },
  relation: {
    queue: FEEDS_QUEUE,
    args: () => [{ readerId: 'r', authorId: 'a', epoch: 1 }],
    activities: { settleRelation: () => 'filled' },
  },
  turn: {
    queue: FEEDS_QUEUE,
    args: () => [
      { turn: { authorId: 'a', modeVersion: 1, direction: 'rising' }, plan: { ranges: 1, bulk: false }, followers: 1 },
    ],
    activities: { turnFollowers: slice, completeTurn: done },
  },
  driftReport: {
    queue: FRAUD_QUEUE,
    args: () => [{ days: 7 }],
    activities: { findDrift: () => ({ models: [], page: '', notice: { id: 'n' } }), sendNotice: done },
  },
  redrive: {
    queue: PLATFORM_QUEUE,
    args: () => [{ stream: 's' }],
    activities: { redriveLetters: (call) => ({ redriven: 1, left: 0, ...(call < 3 && { cursor: 'more' }) }) },
  },
  reconciler: {
    queue: PLATFORM_QUEUE,
    args: () => [],
    activities: { keepReconciled: () => ({ looks: 1, restarted: { cart: 1 } }) },
    endless: 'keepReconciled',
  },
  reconciliation: {
    queue: PLATFORM_QUEUE,
    args: () => [{ mode: 'full' }],
    activities: {
      reconcile: () => ({ checked: 1, restarted: {}, terminated: 0, postponed: 0, startedAt: 1, finishedAt: 2 }),
    },
  },
  relay: {
    queue: PLATFORM_QUEUE,
    args: () => [],
    activities: { payDebts: () => ({ started: 0, rescored: 0 }) },
    endless: 'payDebts',
  },
  shard: {
    queue: PLATFORM_QUEUE,
    args: () => [{ stream: 's', shardId: '0' }],
    activities: {
      consumeShard: (call) => ({
        records: 0,
        seconds: 1,
        millisBehindLatest: 0,
        batches: 0,
        counts: {},
        ended: call === 3,
      }),
    },
  },
  // Each shard ends at once and wakes it; without one it would sleep for an hour.
  stream: {
    queue: PLATFORM_QUEUE,
    args: (id) => [{ stream: id }],
    activities: {
      openShards: (call) => [{ shardId: String(call) }],
      consumeShard: () => ({ records: 0, seconds: 1, millisBehindLatest: 0, batches: 0, counts: {}, ended: true }),
    },
    endless: 'openShards',
    children: (id) => Array.from({ length: 200 }, (_, i) => `shard/${id}/${i}`),
  },
  sessionExpiry: {
    queue: SESSIONS_QUEUE,
    args: () => [{ bucket: 0, sweepMs: 1_000 }],
    activities: {
      sweepSessions: () => ({ idle: 0, absolute: 0, rearmed: 0, reported: 0, latestMs: 0, sleepMs: 1_100 }),
    },
    endless: 'sweepSessions',
  },
};
