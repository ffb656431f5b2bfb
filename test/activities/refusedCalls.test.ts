import { randomUUID } from 'node:crypto';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { readConfig } from '../../src/graph/config';
import { addDays, dayOf } from '../../src/domain/devices/days';
import { resolutions } from '../../src/domain/devices/rollup';
import { rangesOf } from '../../src/domain/feeds/ranges';
import { timeKey } from '../../src/domain/feeds/post';
import { DeadLetterStore } from '../../src/stores/platform/deadLetters';
import { DayStore } from '../../src/stores/devices/days';
import { withId } from '../../src/stores/devices/readingId';
import { ReadingStore } from '../../src/stores/devices/readings';
import { RetentionStore } from '../../src/stores/devices/retention';
import { RollupStore } from '../../src/stores/devices/rollups';
import { BoardStore } from '../../src/stores/leaderboards/boards';
import { StandingsStore } from '../../src/stores/leaderboards/standings';
import { NotificationStore } from '../../src/stores/platform/notifications';
import { activityArguments } from '../support/activityArguments';
import { boardApi } from '../support/boards';
import { buildShop } from '../support/checkouts';
import { seedAuthor } from '../support/feeds/seed';
import { feedWorld } from '../support/feeds/world';
import { startTestGraph, type TestGraph } from '../support/graph';
import { type SeenCall, whileRefusing } from '../support/refusals';
import { devicesTogether, passMark } from '../support/rollupChecks';
import { RESCORE_KIND, rescoreEntry } from '../../src/domain/fraud/rescoreEntry';
import { outboxOf } from '../support/outbox';
import { OUTBOX_SHARDS, OutboxStore, type TransactItem } from '../../src/stores/platform/outbox';

// DynamoDB refuses each kind of call of each activity for good, one kind at a time. In an activity over many entities
// only the calls that name one of them are refused, in every other activity all calls of the kind. `stages` holds the
// rows that an activity works on. An activity without a stage runs with the arguments of `activityArguments` on empty
// tables.

let graph: TestGraph;
let letters: DeadLetterStore;
beforeAll(async () => {
  graph = await startTestGraph({}, undefined, { attemptMs: 1_500 });
  letters = new DeadLetterStore(graph.dynamodb.db);
});
afterAll(() => graph?.stop());

interface Stage {
  args: unknown[];
  /** The id of one of several entities; absent where the activity is about one thing. */
  odd?: string;
  /** Ids of the others that got what they ought to, once the activity has run; absent where it is about one thing. */
  done?(): Promise<string[]>;
  others?: string[];
  /** Sees each call before it goes out. */
  seen?(call: SeenCall): void;
}

const db = () => graph.dynamodb.db;
const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
const which = async (ids: readonly string[], is: (id: string) => Promise<boolean>) =>
  (await Promise.all(ids.map(async (id) => ((await is(id)) ? [id] : [])))).flat();

async function feedStage(
  then: (stage: { authorId: string; post: { key: string; authorId: string } }) => unknown[],
  isDelivered = false,
  isDone?: (reader: string, authorId: string) => Promise<boolean>,
): Promise<Stage> {
  const world = feedWorld(db(), {
    settings: { threshold: 100, cap: 50, backfill: 6, ranges: 1, bulkAbove: 100, trimEvery: 1 },
  });
  const authorId = `author-${randomUUID()}`;
  const readers = await seedAuthor(db(), authorId, 12);
  const { post } = await world.posting.create({ authorId, postId: randomUUID(), text: 'x', media: [] });
  const ref = { key: timeKey(post.at, post.postId), authorId };
  if (isDelivered) await run('deliver', [ref, { range: rangesOf(1)[0]! }]);
  const has = async (reader: string) => (await world.rows.all(reader)).length > 0;
  return {
    args: then({ authorId, post: ref }),
    odd: readers[5]!,
    others: readers.filter((_, i) => i !== 5),
    done: () =>
      which(readers, (reader) => (isDone ?? (async (id) => (await has(id)) !== isDelivered))(reader, authorId)),
  };
}

async function seasonOf(players: readonly string[]) {
  const api = boardApi(graph);
  const endsAt = new Date(Date.now() + 3_600_000).toISOString();
  const rewards = [{ reward: 'gold', fromRank: 1, toRank: 30 }];
  await api.put('', { operator: 'best', rewards, seasons: { endsAt } }).expect(201);
  const store = new BoardStore(db());
  return { api, store, endsAt: Date.parse(endsAt), rewards, season: { gameId: api.gameId, season: 1 }, players };
}
const message = () => ({ id: randomUUID(), recipient: 'r', subject: 's', text: 't', at: Date.now() });
const playersOf = () => Array.from({ length: 6 }, () => `player-${randomUUID()}`);

/** Activities on rows that make them work. */
const stages: Readonly<Record<string, () => Promise<Stage>>> = {
  deliver: () => feedStage(({ post }) => [post, { range: rangesOf(1)[0]! }]),
  retract: () => feedStage(({ post }) => [post, { range: rangesOf(1)[0]! }], true),
  turnFollowers: () =>
    feedStage(
      ({ authorId }) => [{ authorId, modeVersion: 2, direction: 'rising' }, { range: rangesOf(1)[0]! }],
      false,
      async (reader, authorId) => (await feedWorld(db()).relations.marked(authorId, [reader])).size > 0,
    ),
  async settleRelation() {
    const authorId = `author-${randomUUID()}`;
    const [readerId] = await seedAuthor(db(), authorId, 1);
    return { args: [{ readerId, authorId, epoch: 1 }] };
  },
  async grantRewards() {
    const { api, store, endsAt, rewards, season, players } = await seasonOf(playersOf());
    await store.close(api.gameId, 1, endsAt, rewards, Date.now());
    const standings = new StandingsStore(db());
    await standings.put(
      api.gameId,
      1,
      0,
      players.map((playerId, i) => ({ rank: i + 1, playerId, score: 9, subscore: 0, achievedAt: 1 })),
    );
    const granted = async () =>
      (await standings.rewards(api.gameId, 1, { limit: 100 })).items.map(({ playerId }) => playerId);
    return {
      args: [season, players.length],
      odd: players[2]!,
      others: players.filter((_, i) => i !== 2),
      done: granted,
    };
  },
  async carryBans() {
    const { api, store, season, players } = await seasonOf(playersOf());
    for (const playerId of players)
      await store.setBan(api.gameId, playerId, { playerId, reason: 'cheating', bannedBy: 'eva', at: 1 }, 1, []);
    const written = new Set<string>();
    const seen = ({ operation, text }: SeenCall) =>
      void (
        operation === 'TransactWrite' && players.filter((id) => text.includes(id)).forEach((id) => written.add(id))
      );
    return {
      args: [season],
      odd: players[2]!,
      others: players.filter((_, i) => i !== 2),
      done: async () => [...written],
      seen,
    };
  },
  async closeSeason() {
    const { season, endsAt } = await seasonOf([]);
    return { args: [season, endsAt] };
  },
  async planSeasons() {
    return { args: [(await seasonOf([])).api.gameId] };
  },
  async writeStandings() {
    const { api, season } = await seasonOf([]);
    await api.score('ada', 5).expect(200);
    await api.rank();
    return { args: [season] };
  },
  sendLetter: async () => ({ args: [{ ...message(), transactionId: 't' }] }),
  sendNotice: async () => ({ args: [message()] }),
  async deleteRollups() {
    const retention = new RetentionStore(db());
    const { LONGWATCH_KEEP_MINUTES_DAYS, LONGWATCH_KEEP_HOURS_DAYS, LONGWATCH_KEEP_DAYS_DAYS } = readConfig({});
    const kept = { '1m': LONGWATCH_KEEP_MINUTES_DAYS, '1h': LONGWATCH_KEEP_HOURS_DAYS, '1d': LONGWATCH_KEEP_DAYS_DAYS };
    // A day or two of each are left to do.
    for (const resolution of resolutions)
      await retention.done(resolution, addDays(dayOf(Date.now()), -kept[resolution] - 2));
    return { args: [] };
  },
  async checkRollups() {
    const [days, readings, rollups] = [new DayStore(db()), new ReadingStore(db()), new RollupStore(db())];
    const { bucket, ids } = devicesTogether(4);
    for (const deviceId of ids) {
      await days.note(deviceId, day, ['t'], 200);
      await readings.put([withId({ deviceId, timestamp: Date.parse(day), metrics: '{"t":1}' })]);
    }
    const seen = (call: SeenCall) => passMark(db(), call);
    const done = () => which(ids, async (id) => (await rollups.ofDay(id, day, ['1m'])).size > 0);
    return { args: [day, bucket], odd: ids[1]!, others: ids.filter((_, i) => i !== 1), done, seen };
  },
  async tellAlerts() {
    const ids = Array.from({ length: 4 }, () => `people-${randomUUID()}`);
    const events = ids.map((recipient) => ({
      event: 'raised',
      alertId: 'hot',
      deviceId: 'd',
      recipient,
      text: 'hot',
      at: Date.now(),
    }));
    const done = () => which(ids, async (id) => (await new NotificationStore(db()).list(id)).items.length > 0);
    return { args: [events], odd: ids[1]!, others: ids.filter((_, i) => i !== 1), done };
  },
  async payDebts() {
    const store = new OutboxStore(db());
    for (let shard = 0; shard < OUTBOX_SHARDS; shard++)
      await store.remove(await store.due(RESCORE_KIND, shard, Date.now(), 100)); // What an earlier stage left behind.
    // The relay removes an entry that is alone in its shard by a Delete, several of a shard by a BatchWrite. Each stage
    // has the odd one alone in its shard and the others together in another, so that it makes the same kinds of calls.
    const dueAt = Date.now() - 60_000;
    const byShard = new Map<string, Map<string, TransactItem>>();
    const shared = () => [...byShard.values()].find(({ size }) => size === 5);
    while (!shared()) {
      const id = `t-${randomUUID()}`;
      const item = outboxOf(db()).recording(rescoreEntry(id, dueAt));
      const shard = item.Put?.Item?.['Shard'] as string;
      byShard.set(shard, (byShard.get(shard) ?? new Map()).set(id, item));
    }
    const alone = [...byShard.values()].find((entries) => entries !== shared())!;
    const [[odd, oddItem] = []] = alone;
    const others = [...shared()!.keys()];
    await db().client.send(new TransactWriteCommand({ TransactItems: [oddItem!, ...shared()!.values()] }));
    const paid = new Set<string>();
    const seen = ({ tables, operation, text }: SeenCall) =>
      void (
        /Delete|BatchWrite/.test(operation) &&
        tables.includes('Starts') &&
        [odd!, ...others].filter((id) => text.includes(id)).forEach((id) => paid.add(id))
      );
    return { args: [], odd: odd!, others, done: async () => [...paid], seen };
  },
  async eraseRows() {
    const deviceId = randomUUID();
    await new ReadingStore(db()).put([withId({ deviceId, timestamp: Date.parse(day), metrics: '{"t":1}' })]);
    return { args: [day, deviceId, 'mark'] };
  },
  async eraseRest() {
    const deviceId = randomUUID();
    await new RollupStore(db()).swap(
      { deviceId, resolution: '1d', bucket: Date.parse(day) },
      { rollup: { readings: 0, metrics: {} }, version: 0 },
      { readings: 1, metrics: {} },
    );
    return { args: [deviceId, [day], 'mark'] };
  },
  async lookAtCart() {
    const user = `user-${randomUUID()}`;
    const shop = buildShop(db(), () => Date.now() - 40 * 86_400_000, { holdMs: 3_600_000 });
    await shop.products.put({ productId: 'book', title: 'A book', price: 1, currency: 'EUR', stockOnHand: 100 });
    await shop.carts.change(user, { kind: 'set', productId: 'book', quantity: 1 });
    return { args: [user, 1, Date.now()] };
  },
  async settleCheckout() {
    const user = `user-${randomUUID()}`;
    const shop = buildShop(db(), () => Date.now() - 86_400_000, { holdMs: 3_600_000 });
    await shop.products.put({ productId: 'book', title: 'A book', price: 1, currency: 'EUR', stockOnHand: 100 });
    await shop.carts.change(user, { kind: 'set', productId: 'book', quantity: 1 });
    const { checkout } = await shop.checkouts.begin(user, {});
    return { args: [checkout.checkoutId, Date.now()] };
  },
};

const all = () =>
  Object.assign({}, ...Object.values(graph.activities)) as Record<string, (...args: unknown[]) => Promise<unknown>>;
async function run(name: string, args: unknown[]): Promise<unknown> {
  const environment = new MockActivityEnvironment();
  // What waits for something that never comes is cancelled.
  const stop = setTimeout(() => environment.cancel(), 4_000);
  const ended = await environment.run(all()[name]!, ...args).catch((error: unknown) => error);
  clearTimeout(stop);
  return ended;
}
/** Calls that the activity does not make: the look for new rules, and what a stage does as the stream's reader. */
const isAnothers = ({ tables, text }: SeenCall) =>
  tables.some((table) => table.includes('Rule') || table === 'DeadLetters') ||
  (text.includes('"seen#') && text.includes('TransactItems'));
const kindOf = ({ operation, tables }: SeenCall) => `${operation} ${[...tables].sort().join('+')}`;

/** What was told of skipped entities so far, and how many dead letters there are. */
async function told(): Promise<number> {
  const { values } = await graph.metrics.registry.getSingleMetric('longwatch_skipped_total')!.get();
  return (
    values.reduce((sum, { value }) => sum + value, 0) + (await letters.list(undefined, { limit: 1_000 })).items.length
  );
}

/**
 * Not here: `checkRanks` waits for a reader, whose calls could not be told from its own. Of what reads streams,
 * `test/activities/refusals.test.ts` refuses each call for a record among others.
 */
const elsewhere = new Set(['checkRanks', 'consumeShard', 'redriveLetters']);
const named = Object.entries(activityArguments).filter(
  ([name, { ends }]) => !elsewhere.has(name) && (ends === 'refused' || stages[name]),
);
it.each(named)(
  '%s: whichever kind of its calls is refused, it is not made again, it is told, and the others get what they ought to',
  async (name, { args, ends }) => {
    const stageOf = stages[name] ?? (async (): Promise<Stage> => ({ args: [...args] }));
    const whole = await stageOf();
    const kinds = new Map<string, boolean>();
    await whileRefusing(
      (call) => {
        if (isAnothers(call)) return false;
        kinds.set(
          kindOf(call),
          (kinds.get(kindOf(call)) ?? false) || (whole.odd !== undefined && call.text.includes(whole.odd)),
        );
        whole.seen?.(call);
        return false;
      },
      () => run(name, whole.args),
    );
    expect(kinds.size).toBeGreaterThan(0);
    for (const [kind, isOfOdd] of kinds) {
      const stage = await stageOf();
      const refused = new Map<string, number>();
      const before = await told();
      const attempt = () =>
        whileRefusing(
          (call) => {
            if (isAnothers(call)) return false;
            if (kindOf(call) === kind && (!isOfOdd || call.text.includes(stage.odd!))) {
              refused.set(call.text, (refused.get(call.text) ?? 0) + 1);
              return true;
            }
            stage.seen?.(call);
            return false;
          },
          () => run(name, stage.args),
        );
      let ended = await attempt();
      // An attempt of an activity without an end lasts a second and a half, in which a slow machine may not get through
      // all shards. The next attempt goes on, as its workflow would have it.
      const isThrough = async () =>
        refused.size > 0 &&
        (!isOfOdd || (await stage.done!()).filter((id) => id !== stage.odd).length === stage.others!.length);
      const attempts = ends === 'goes on' ? 20 : 1;
      for (let made = 1; made < attempts && !(await isThrough()); made++) ended = await attempt();
      expect([kind, refused.size > 0]).toEqual([kind, true]);
      const isTold = (await told()) > before;
      if (ended instanceof ApplicationFailure)
        expect([kind, ended.type, ended.nonRetryable]).toEqual([kind, 'refused', true]);
      else if (ends === 'refused') expect([kind, isTold]).toEqual([kind, true]);
      if (isOfOdd) {
        expect([kind, ended instanceof ApplicationFailure, isTold]).toEqual([kind, false, true]);
        expect([kind, (await stage.done!()).filter((id) => id !== stage.odd).sort()]).toEqual([
          kind,
          [...stage.others!].sort(),
        ]);
      }
      // Bisecting asks for the one alone at each halving, which is no retry; nothing else is asked twice.
      expect([kind, Math.max(...refused.values()) <= (isOfOdd ? 5 : 1) || ends === 'goes on']).toEqual([kind, true]);
    }
  },
);
