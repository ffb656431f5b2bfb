import { deflateRawSync } from 'node:zlib';
import { BatchWriteCommand, GetCommand, PutCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Cart } from '../../src/domain/carts/cart';
import type { Decision } from '../../src/domain/fraud/decision';
import { featuresFromJson } from '../../src/domain/fraud/features';
import { emptyUserProfile } from '../../src/domain/fraud/profile';
import { decodeUserProfile } from '../../src/domain/fraud/profileEncoding';
import type { Transaction } from '../../src/domain/fraud/transaction';
import type { Board } from '../../src/domain/leaderboards/board';
import { CartCountStore } from '../../src/stores/carts/cartCounts';
import { CartStore } from '../../src/stores/carts/carts';
import { CheckoutStore } from '../../src/stores/carts/checkouts';
import { ProductStore } from '../../src/stores/carts/products';
import { RefundStore } from '../../src/stores/carts/refunds';
import { ArchiveStore } from '../../src/stores/devices/archives';
import { DayStore } from '../../src/stores/devices/days';
import { DeviceStore } from '../../src/stores/devices/devices';
import { LiveStore } from '../../src/stores/devices/live';
import { ReadingStore } from '../../src/stores/devices/readings';
import { RetentionStore } from '../../src/stores/devices/retention';
import { bucketOf, dayBucket } from '../../src/stores/devices/keys';
import { rollupId, RollupStore } from '../../src/stores/devices/rollups';
import type { Db } from '../../src/stores/dynamodb';
import { FeedRowStore } from '../../src/stores/feeds/feedRows';
import { PostStore } from '../../src/stores/feeds/posts';
import { RelationStore } from '../../src/stores/feeds/relations';
import { FeedUserStore } from '../../src/stores/feeds/users';
import { AttestationStore } from '../../src/stores/fraud/attestations';
import { scanDecisions } from '../../src/stores/fraud/decisionScan';
import { DecisionStore, type UserWrite } from '../../src/stores/fraud/decisions';
import { DriftStore } from '../../src/stores/fraud/drift';
import { MerchantStore } from '../../src/stores/fraud/merchants';
import { InvestigationStore } from '../../src/stores/fraud/investigations';
import { ChallengerDifferenceStore } from '../../src/stores/fraud/challengerDifferences';
import { BoardStore } from '../../src/stores/leaderboards/boards';
import { NodeStore } from '../../src/stores/leaderboards/nodes';
import { RankStore } from '../../src/stores/leaderboards/ranks';
import { ScoreStore } from '../../src/stores/leaderboards/scores';
import { StandingsStore } from '../../src/stores/leaderboards/standings';
import { CheckpointStore } from '../../src/stores/platform/checkpoints';
import { DeadLetterStore } from '../../src/stores/platform/deadLetters';
import { ReconciliationReportStore } from '../../src/stores/platform/reconciliationReports';
import { NotificationStore } from '../../src/stores/platform/notifications';
import { OutboxStore, type TransactItem } from '../../src/stores/platform/outbox';
import { ExpiryIndex } from '../../src/stores/sessions/expiryIndex';
import { SessionRecords } from '../../src/stores/sessions/sessionRecords';
import { SessionTable } from '../../src/stores/sessions/sessionTable';
import { UserSessions } from '../../src/stores/sessions/userSessions';
import { UserHoldStore } from '../../src/stores/fraud/userHolds';
import { VersionedStore } from '../../src/stores/versioned';
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb';

/** An item as the release before wrote it, and what the code makes of it. */
interface Kept {
  table: string;
  item: Record<string, unknown>;
  read(db: Db): Promise<unknown>;
  value: unknown;
  /** Writes the same item once more, where the store writes it whole. */
  write?(db: Db): Promise<unknown> | TransactItem | readonly TransactItem[];
}

const at = Date.parse('2026-10-01T12:00:00.000Z');
const time = '2026-10-01T12:00:00.000Z';
const lines = [{ productId: 'p', title: 'A book', quantity: 2, price: 1_999 }];
const checkout = {
  checkoutId: 'co-1',
  userId: 'u-1',
  cartNumber: 3,
  cartVersion: 7,
  status: 'held' as const,
  lines,
  currency: 'EUR',
  total: 3_998,
  createdAt: at,
  holdUntil: at + 900_000,
  partLines: 49,
  partsDone: 1,
  attempt: 'a-1',
};
const checkoutItem = {
  CheckoutID: 'co-1',
  Entry: 'checkout',
  UserID: 'u-1',
  CartNumber: 3,
  CartVersion: 7,
  Status: 'held',
  Lines: lines,
  Currency: 'EUR',
  Total: 3_998,
  CreatedAt: at,
  HoldUntil: at + 900_000,
  PartLines: 49,
  PartsDone: 1,
  Attempt: 'a-1',
};
const cart: Cart = {
  userId: 'u-1',
  number: 3,
  version: 7,
  status: 'merged',
  openedAt: at,
  lastActivityAt: at + 1,
  lines: [{ productId: 'p', quantity: 2, title: 'A book', price: 1_999, currency: 'EUR', addedAt: at }],
  keys: { k: 6 },
  reminded: { rung: 2, at },
  checkoutId: 'co-1',
  lastClosed: { number: 2, how: 'recovered' },
  merged: { into: 'u-2', report: { added: 1, combined: 0, clamped: [] } },
};
const post = { postId: 'post-1', authorId: 'u-1', at, text: 'Hello', media: ['https://x/1'], replyTo: 'post-0' };
const season = { number: 2, startsAt: at, endsAt: at + 1_000, graceMs: 10, status: 'open' as const, revision: 0 };
const row = { deviceId: 'd-1', timestamp: at, id: 'r-1', metrics: '{"t":1}', status: 'ok', latitude: 1, longitude: 2 };
const live = { states: {}, deadline: at };
const shard = { gameId: 'g-1', season: 1, shard: 0, order: 'descending' } as const;
const ranked = { score: 10, subscore: 0, achievedAt: at, playerId: 'pl-1', name: 'Ana', country: 'PT' };
const seq = (store: InvestigationStore) => async () => (await store.timeline('tx-1')).items;

const session = {
  key: 'k-1',
  handle: 'h-1',
  createdAt: at,
  lastSeenAt: at,
  expiresAt: at + 1_000,
  absoluteExpiresAt: at + 2_000,
  userId: 'u-1',
  device: 'Firefox',
  place: 'Porto',
};
const removeAt = (at + 2_000) / 1_000 + 24 * 3_600;
const sessionItem = {
  SessionKey: 'k-1',
  Part: 'session',
  Handle: 'h-1',
  CreatedAt: at,
  LastSeenAt: at,
  ExpiresAt: at + 1_000,
  AbsoluteExpiresAt: at + 2_000,
  UserID: 'u-1',
  Device: 'Firefox',
  Place: 'Porto',
  RemoveAt: removeAt,
};
const sessionRecords = (db: Db) =>
  new SessionRecords(new SessionTable(db.client, db.table('Sessions')), {
    prefix: '',
    buckets: 4,
    events: false,
    absoluteMs: 2_000,
    now: () => at,
  });

const transaction = {
  transactionId: 'tx-1',
  userId: 'u-1',
  merchantId: 'm-1',
  amount: 100,
  currency: 'EUR',
  timestamp: at,
} as Transaction;
const decision = {
  transactionId: 'tx-1',
  outcome: 'approve',
  score: 0.25,
  reasons: [],
  mode: 'full',
  modelVersion: 'm-1',
} as unknown as Decision;
const decisionItem = {
  TransactionID: 'tx-1',
  ContentHash: 'hash',
  Answer: JSON.stringify(decision),
  UserID: 'u-1',
  MerchantID: 'm-1',
  Amount: 100,
  Currency: 'EUR',
  Timestamp: at,
  Transaction: JSON.stringify(transaction),
  Features: '[100]',
  Outcome: 'approve',
  Mode: 'full',
  HistoryKey: `${time}#tx-1`,
  Hold: 'held',
  Rescore: JSON.stringify({ score: 0.5, outcome: 'review', at: time }),
};
const historyItem = {
  UserID: 'u-1',
  TimeTransactionID: `${time}#tx-1`,
  TransactionID: 'tx-1',
  MerchantID: 'm-1',
  Amount: 100,
  Currency: 'EUR',
  Timestamp: at,
  Outcome: 'approve',
  Score: 0.25,
  UnusualAmount: true,
};
const USER_STATE = '[2,[2,100,4,1790856000000],null,[[],[],[]],[],[],[[28000000,7],[],[]]]';
const userWrite: UserWrite = {
  before: { profile: emptyUserProfile(), version: 0 },
  after: decodeUserProfile(USER_STATE),
  decisions: [
    {
      transaction,
      contentHash: 'hash',
      decision,
      body: JSON.stringify(decision),
      features: featuresFromJson('[100]'),
      unusualAmount: true,
      also: [],
    },
  ],
};

const kept: Record<string, Kept> = {
  'a checkout': {
    table: 'Checkouts',
    item: checkoutItem,
    read: (db) => new CheckoutStore(db).find('co-1'),
    value: checkout,
    write: (db) => new CheckoutStore(db).beginning(checkout),
  },
  'a checkout that reserves': {
    table: 'Checkouts',
    item: { ...checkoutItem, CheckoutID: 'co-2', Status: 'reserving', ExpiresAt: (at + 900_000) / 1_000 + 24 * 3_600 },
    read: (db) => new CheckoutStore(db).find('co-2'),
    value: { ...checkout, checkoutId: 'co-2', status: 'reserving' },
    write: (db) => new CheckoutStore(db).beginning({ ...checkout, checkoutId: 'co-2', status: 'reserving' }),
  },
  'a checkout at its end': {
    table: 'Checkouts',
    item: { ...checkoutItem, CheckoutID: 'co-3', PaymentReference: 'pay', OrderID: 'o-1', EndedAt: at },
    read: (db) => new CheckoutStore(db).find('co-3'),
    value: { ...checkout, checkoutId: 'co-3', paymentReference: 'pay', orderId: 'o-1', endedAt: at },
  },
  'an order': {
    table: 'Orders',
    item: {
      UserID: 'u-1',
      TimeOrderID: `${time}#o-1`,
      OrderID: 'o-1',
      CheckoutID: 'co-1',
      PaymentReference: 'pay',
      Lines: lines,
      Currency: 'EUR',
      Total: 3_998,
      ConfirmedAt: at,
    },
    read: async (db) => (await new CheckoutStore(db).orders('u-1')).items,
    value: [
      {
        orderId: 'o-1',
        checkoutId: 'co-1',
        userId: 'u-1',
        paymentReference: 'pay',
        lines,
        currency: 'EUR',
        total: 3_998,
        confirmedAt: at,
      },
    ],
    write: (db) =>
      new CheckoutStore(db).ordering({
        orderId: 'o-1',
        checkoutId: 'co-1',
        userId: 'u-1',
        paymentReference: 'pay',
        lines,
        currency: 'EUR',
        total: 3_998,
        confirmedAt: at,
      }),
  },
  'a refund': {
    table: 'Checkouts',
    item: {
      CheckoutID: 'co-1',
      Entry: 'refund#KR8ytX7wVLOn_TvU4q9V1VjpZX2q7tt1-FoiCoYhJHU',
      UserID: 'u-1',
      PaymentReference: 'pay',
      Reason: 'late',
      RecordedAt: at,
      RefundStatus: 'done',
      RecordedAtID: `${time}#co-1`,
      DoneBy: 'ana',
    },
    read: async (db) => (await new RefundStore(db).page('done')).items,
    value: [
      {
        checkoutId: 'co-1',
        userId: 'u-1',
        paymentReference: 'pay',
        reason: 'late',
        recordedAt: at,
        status: 'done',
        doneBy: 'ana',
      },
    ],
  },
  'a product': {
    table: 'Products',
    item: {
      ProductID: 'p',
      Entry: 'product',
      Title: 'A book',
      Price: 1_999,
      Currency: 'EUR',
      Version: 4,
      OnHand: 5,
      Holds: { [String(at)]: 2 },
      Sold: 1,
    },
    read: (db) => new ProductStore(db).read(['p'], { consistent: true }),
    value: [
      {
        productId: 'p',
        title: 'A book',
        price: 1_999,
        currency: 'EUR',
        version: 4,
        stock: { onHand: 5, holds: { [String(at)]: 2 }, sold: 1 },
      },
    ],
  },
  'a cart': {
    table: 'ShoppingCart',
    item: {
      UserID: 'u-1',
      Entry: 'cart',
      CartNumber: 3,
      Version: 7,
      Status: 'merged',
      OpenedAt: at,
      LastActivityAt: at + 1,
      Quantities: { p: 2 },
      Snapshots: { p: JSON.stringify(['A book', 1_999, 'EUR', at]) },
      Keys: { k: 6 },
      Rung: 2,
      RemindedAt: at,
      CheckoutID: 'co-1',
      LastClosed: { Number: 2, How: 'recovered' },
      MergedInto: 'u-2',
      MergeReport: '{"added":1,"combined":0,"clamped":[]}',
    },
    read: (db) => new CartStore(db).read('u-1'),
    value: cart,
    write: (db) => new CartStore(db).replacing(undefined, cart),
  },
  preferences: {
    table: 'ShoppingCart',
    item: { UserID: 'u-1', Entry: 'preferences', Reminders: true, TimeZone: 'Europe/Lisbon', QuietHours: null },
    read: (db) => new CartStore(db).preferences('u-1'),
    value: { reminders: true, timeZone: 'Europe/Lisbon', quietHours: null },
    write: (db) =>
      new CartStore(db).putPreferences('u-1', { reminders: true, timeZone: 'Europe/Lisbon', quietHours: null }),
  },
  'an unsubscription': {
    table: 'ShoppingCart',
    item: { UserID: 'u-2', Entry: 'preferences', Reminders: false },
    read: (db) => new CartStore(db).preferences('u-2'),
    value: { reminders: false, timeZone: 'UTC' },
    write: (db) => new CartStore(db).unsubscribe('u-2'),
  },
  'counts of carts': {
    table: 'CartCounts',
    item: { Shard: 'carts#0', Opened: 3, Closed: 2, Abandoned: 1 },
    read: (db) => new CartCountStore(db).totals(),
    value: { opened: 3, closed: 2, ordered: 0, reminded: 0, recovered: 0, abandoned: 1, emptied: 0, merged: 0 },
  },
  'an entry of the outbox': {
    table: 'Starts',
    item: {
      Shard: 'start#0',
      DueAtID: '01790856000000#w-1',
      Debt: JSON.stringify({ kind: 'start', start: { workflowId: 'w-1' }, dueAt: at }),
    },
    read: (db) => new OutboxStore(db).due('start', 0, at, 10),
    value: [{ kind: 'start', id: 'w-1', payload: { workflowId: 'w-1' }, dueAt: at }],
  },
  'a dead letter': {
    table: 'DeadLetters',
    item: {
      Source: 's',
      PositionID: 'shard-0#17',
      Reason: 'no JSON',
      Record: Buffer.from('{'),
      IsCut: true,
      ArrivedAt: time,
      At: time,
    },
    read: (db) => new DeadLetterStore(db).find({ source: 's', shardId: 'shard-0', position: '17' }),
    value: {
      source: 's',
      shardId: 'shard-0',
      position: '17',
      reason: 'no JSON',
      record: Uint8Array.from(Buffer.from('{')),
      isCut: true,
      arrivedAt: at,
      at,
    },
  },
  'a notification': {
    table: 'Notifications',
    item: {
      Recipient: 'ana',
      TimeID: `${time}#n-1`,
      ID: 'n-1',
      Subject: 'S',
      Text: 'T',
      At: at,
      Results: {},
      Status: 'pending',
    },
    read: async (db) => (await new NotificationStore(db).list('ana')).items,
    value: [{ id: 'n-1', recipient: 'ana', subject: 'S', text: 'T', at, results: {}, status: 'pending' }],
    write: (db) => new NotificationStore(db).begin({ id: 'n-1', recipient: 'ana', subject: 'S', text: 'T', at }),
  },
  'a checkpoint': {
    table: 'Checkpoints',
    item: { SourceShard: 's#shard-0', Position: '17', CaughtUpAt: time, Ended: false, Generation: 3 },
    read: (db) => new CheckpointStore(db).read('s', 'shard-0'),
    value: { position: '17', caughtUpAt: at, ended: false },
  },
  'a checkpoint of a release without generations': {
    table: 'Checkpoints',
    item: { SourceShard: 's#shard-1', Ended: true },
    read: (db) => new CheckpointStore(db).read('s', 'shard-1'),
    value: { ended: true },
  },
  'a look of the reconciler': {
    table: 'Checkpoints',
    item: { SourceShard: 'reconciler#full', LastLook: '{"at":5}' },
    read: (db) => new ReconciliationReportStore(db).read('full' as never),
    value: { at: 5 },
    write: (db) => new ReconciliationReportStore(db).write('full' as never, { at: 5 } as never),
  },
  'a rule set': {
    table: 'Rules',
    item: { RuleSetID: 'rules', Version: 1, RuleSet: '{"a":1}', PutBy: 'ana', PutAt: time },
    read: (db) => new VersionedStore(db, 'rules', 'rule set').version(1),
    value: { version: 1, value: { a: 1 }, putBy: 'ana', putAt: time },
    write: (db) => new VersionedStore(db, 'rules', 'rule set').put({ a: 1 }, { ifVersion: 0, putBy: 'ana', at: time }),
  },
  'a user of feeds': {
    table: 'Users',
    item: {
      UserID: 'u-1',
      Name: 'Ana',
      FollowerCount: 2,
      FollowerChanges: 3,
      FollowingCount: 1,
      PostCount: 4,
      Epoch: 5,
      PushMode: 'rising',
      ModeVersion: 6,
      RisenAt: at,
      FeedVersion: 7,
      CompleteAfter: 'a',
      ReadMarker: 'b',
    },
    read: async (db) => [...(await new FeedUserStore(db).find(['u-1'])).values()],
    value: [
      {
        userId: 'u-1',
        name: 'Ana',
        followers: 2,
        followerChanges: 3,
        following: 1,
        posts: 4,
        epoch: 5,
        mode: 'rising',
        modeVersion: 6,
        risenAt: at,
        feed: { version: 7, completeAfter: 'a', readMarker: 'b' },
      },
    ],
  },
  'a follower': {
    table: 'Followers',
    item: { UserID: 'u-1', BucketFollowerID: '00ff#u-2', Epoch: 3, Since: at },
    read: async (db) => (await new RelationStore(db).followers('u-1')).items,
    value: [{ userId: 'u-2', since: at }],
  },
  'a follow': {
    table: 'Following',
    item: { UserID: 'u-2', Entry: 'follows#u-1', Since: at },
    read: async (db) => (await new RelationStore(db).following('u-2')).items,
    value: [{ userId: 'u-1', since: at }],
  },
  'a mark of an author': {
    table: 'Following',
    item: { UserID: 'u-2', Entry: 'pulls#u-1', ModeVersion: 6 },
    read: (db) => new RelationStore(db).readTimeAuthors('u-2'),
    value: ['u-1'],
  },
  "a post in its author's list": {
    table: 'AuthorPosts',
    item: { UserID: 'u-1', TimePostID: `${time}#post-1` },
    read: (db) => new PostStore(db).ofAuthor('u-1', {}, 'older', 5),
    value: [{ key: `${time}#post-1`, authorId: 'u-1' }],
  },
  'a post': {
    table: 'Posts',
    item: {
      PostID: 'post-1',
      AuthorID: 'u-1',
      At: at,
      Body: 'Hello',
      Media: ['https://x/1'],
      ReplyTo: 'post-0',
      Version: 1,
      ContentHash: 'h',
      Pushed: true,
    },
    read: (db) => new PostStore(db).find('post-1'),
    value: { ...post, version: 1, contentHash: 'h', pushed: true, deleted: false },
    write: (db) => new PostStore(db).creation({ ...post, contentHash: 'h', pushed: true }),
  },
  'a deleted post': {
    table: 'Posts',
    item: {
      PostID: 'post-2',
      AuthorID: 'u-1',
      At: at,
      Version: 2,
      EditedAt: at,
      ContentHash: 'h',
      Pushed: false,
      Deleted: true,
    },
    read: (db) => new PostStore(db).find('post-2'),
    value: {
      postId: 'post-2',
      authorId: 'u-1',
      at,
      text: '',
      media: [],
      version: 2,
      editedAt: at,
      contentHash: 'h',
      pushed: false,
      deleted: true,
    },
  },
  'a reference in a feed': {
    table: 'Feed',
    item: { UserID: 'u-2', TimePostID: `${time}#post-1`, AuthorID: 'u-1', Epoch: 3 },
    read: (db) => new FeedRowStore(db).all('u-2'),
    value: [{ readerId: 'u-2', key: `${time}#post-1`, authorId: 'u-1', epoch: 3 }],
    write: (db) => new FeedRowStore(db).put([{ readerId: 'u-2', key: `${time}#post-1`, authorId: 'u-1', epoch: 3 }]),
  },
  'a case': {
    table: 'Investigations',
    item: {
      TransactionID: 'tx-1',
      Entry: 'case',
      CaseStatus: 'waiting',
      OpenedAtID: `${time}#tx-1`,
      Outcome: 'review',
      Amount: 100,
      Currency: 'EUR',
      UserID: 'u-1',
      MerchantID: 'm-1',
      Revision: 2,
      PaymentHold: 'held',
      Assignee: 'ana',
      DueAt: at,
      CustomerAnswer: 'mine',
      ClosedAt: at,
      Label: 'fraud',
    },
    read: (db) => new InvestigationStore(db).find('tx-1'),
    value: {
      transactionId: 'tx-1',
      status: 'waiting',
      outcome: 'review',
      score: null,
      hold: 'held',
      userId: 'u-1',
      merchantId: 'm-1',
      amount: 100,
      currency: 'EUR',
      openedAt: at,
      revision: 2,
      assignee: 'ana',
      dueAt: at,
      customerAnswer: 'mine',
      closedAt: at,
    },
  },
  'a line of a timeline': {
    table: 'Investigations',
    item: {
      TransactionID: 'tx-1',
      Entry: 'event#000001',
      Seq: 1,
      At: at,
      Kind: 'opened',
      Text: 'Opened',
      By: 'ana',
      Proof: 'api',
      Role: 'lead',
    },
    read: (db) => seq(new InvestigationStore(db))(),
    value: [{ seq: 1, at, kind: 'opened', text: 'Opened', by: { name: 'ana', proof: 'api', role: 'lead' } }],
  },
  'what a case is started again from': {
    table: 'Investigations',
    item: { TransactionID: 'tx-1', Entry: 'state', Revision: 2, Kept: '{"unsent":[]}' },
    read: (db) => new InvestigationStore(db).kept('tx-1'),
    value: { revision: 2, kept: { unsent: [] } },
  },
  'a profile with a hold': {
    table: 'UserProfiles',
    item: { UserID: 'u-1', HoldUntil: at, HoldTransactionID: 'tx-1', Version: 3 },
    read: (db) => new UserHoldStore(db).find('u-1'),
    value: { until: at, transactionId: 'tx-1' },
  },
  'a decision': {
    table: 'Decisions',
    item: decisionItem,
    async read(db) {
      await put({ table: 'TransactionHistory', item: { ...historyItem, Label: 'fraud', LabelledAt: at } });
      const decisions = new DecisionStore(db);
      const { features, ...found } = (await decisions.find('tx-1'))!;
      const [{ stored } = {}] = await decisions.inputsOf([transaction]);
      return [found, features.amount, stored, (await scanDecisions(db).next()).value];
    },
    value: [
      {
        transaction,
        decision,
        hold: 'held',
        label: 'fraud',
        rescored: { score: 0.5, outcome: 'review', at: time },
      },
      100,
      { contentHash: 'hash', body: JSON.stringify(decision) },
      [{ transaction, label: 'fraud' }],
    ],
  },
  'a payment of the history': {
    table: 'TransactionHistory',
    item: historyItem,
    read: (db) => new DecisionStore(db).answer('no such payment'),
    value: undefined,
    write: (db) => new DecisionStore(db).write([userWrite]),
  },
  'a profile of a user': {
    table: 'UserProfiles',
    item: { UserID: 'u-1', State: USER_STATE, Version: 1 },
    async read(db) {
      const { user } = (await new DecisionStore(db).inputsOf([transaction]))[0]!;
      return [user.version, user.profile.count, user.profile.devices];
    },
    value: [1, 2, [[28_000_000, 7]]],
    write: (db) => new DecisionStore(db).write([userWrite]),
  },
  'a profile of a merchant': {
    table: 'MerchantProfiles',
    item: { MerchantID: 'm-1', State: '[2,[[20000,3,1,0,1]]]', Version: 4 },
    async read(db) {
      const [{ merchant } = {}] = await new DecisionStore(db).inputsOf([transaction]);
      return [merchant, (await new MerchantStore(db).read(['m-1'])).get('m-1')];
    },
    value: [{ days: [[20_000, 3, 1, 0, 1]] }, { profile: { days: [[20_000, 3, 1, 0, 1]] }, version: 4 }],
  },
  'an attestation': {
    table: 'Investigations',
    item: { TransactionID: 'tx-1', Entry: 'attestation#a-1', Name: 'ana', Role: 'lead', Claim: 'c', At: at },
    read: (db) => new AttestationStore(db).consume('tx-1', 'a-1', 'c', 'update-1'),
    value: { name: 'ana', proof: 'api', role: 'lead' },
    write: (db) =>
      new AttestationStore(db).attest({ id: 'a-1', transactionId: 'tx-1', name: 'ana', role: 'lead', claim: 'c', at }),
  },
  'counts of features': {
    table: 'FeatureCounts',
    item: {
      ModelVersion: 'm-1',
      DayProcess: '2026-10-01#p-1',
      Rows: 3,
      Counts: '{"amount":[1,2]}',
      ExpiresAt: (Date.parse('2026-10-01') + 120 * 86_400_000) / 1_000,
    },
    read: (db) => new DriftStore(db).read('m-1', '2026-10-01', '2026-10-01'),
    value: { rows: 3, counts: { amount: [1, 2] } },
    write: (db) => new DriftStore(db).keep('m-1', 'p-1', [{ day: '2026-10-01', rows: 3, counts: { amount: [1, 2] } }]),
  },
  'counts of a challenger': {
    table: 'ShadowDecisions',
    item: { Challenger: '4', Entry: 'counts#p-1', Counts: '{"pairs":{"approve>review":2},"failed":1,"dropped":0}' },
    read: (db) => new ChallengerDifferenceStore(db).counts(4),
    value: { pairs: { 'approve>review': 2 }, failed: 1, dropped: 0 },
    write: (db) =>
      new ChallengerDifferenceStore(db).count(4, 'p-1', { pairs: { 'approve>review': 2 }, failed: 1, dropped: 0 }),
  },
  'a difference of a challenger': {
    table: 'ShadowDecisions',
    item: { Challenger: '4', Entry: `${time}#tx-1`, Difference: '{"live":"approve","shadow":"review"}' },
    read: async (db) => (await new ChallengerDifferenceStore(db).differences(4, { limit: 10 })).items,
    value: [{ transactionId: 'tx-1', at, live: 'approve', shadow: 'review' }],
  },
  'a score': {
    table: 'Leaderboard',
    item: {
      BoardSeason: 'g-1#00001#00#d',
      PlayerID: 'pl-1',
      Score: 10,
      AchievedAt: at,
      ChangedAt: at,
      PlayerName: 'Ana',
      Recent: new Set(['aoQLr12MP_J']),
      Older: new Set(['other']),
    },
    async read(db) {
      const board = { gameId: 'g-1', order: 'descending', operator: 'best', shards: 1, limits: {} } as Board;
      const submission = { playerId: 'pl-1', submissionId: 's-1', score: 9, subscore: 0 };
      const scores = new ScoreStore(db);
      return [(await scores.ranked(shard).next()).value, await scores.submit(board, 1, submission, at)];
    },
    value: [[[10, 0, at, 'pl-1', 'Ana', null]], { status: 'repeated', score: 10, subscore: 0 }],
  },
  'a game of the list of boards': {
    table: 'Boards',
    item: { GameID: '#boards', Entry: 'g-1' },
    read: async (db) => (await new BoardStore(db).games({})).items,
    value: ['g-1'],
  },
  'a season': {
    table: 'Boards',
    item: {
      GameID: 'g-1',
      Entry: 'season#00002',
      StartsAt: at,
      EndsAt: at + 1_000,
      GraceMs: 10,
      SeasonStatus: 'final',
      Revision: 0,
      Rewards: '[{"reward":"cup","fromRank":1,"toRank":1}]',
      ClosedAt: at,
      Players: 9,
    },
    read: (db) => new BoardStore(db).season('g-1', 2),
    value: {
      ...season,
      status: 'final',
      rewards: [{ reward: 'cup', fromRank: 1, toRank: 1 }],
      closedAt: at,
      players: 9,
    },
  },
  'a board': {
    table: 'Boards',
    item: { GameID: 'g-1', Entry: 'board', BoardDefinition: '{"shards":2}', Version: 3, LatestSeason: 2 },
    read: (db) => new BoardStore(db).find('g-1'),
    value: { shards: 2, gameId: 'g-1', version: 3, latestSeason: 2 },
  },
  'a ban': {
    table: 'Boards',
    item: { GameID: 'g-1', Entry: 'ban#pl-1', Reason: 'bot', BannedBy: 'ana', At: at },
    read: (db) => new BoardStore(db).ban('g-1', 'pl-1'),
    value: { playerId: 'pl-1', reason: 'bot', bannedBy: 'ana', at },
  },
  'a head of a ranking': {
    table: 'LeaderboardRanks',
    item: {
      Ranking: 'g-1#00001#00#d',
      Entry: 'head',
      Version: 2,
      Roots: '{"ranks":"r"}',
      Attempt: 'a',
      AsOf: at,
      Sealed: true,
      CheckMark: 'm',
      LogName: 'l',
    },
    read: (db) => new RankStore(db).head(shard),
    value: { version: 2, ranking: { ranks: 'r' }, attempt: 'a', asOf: at, isSealed: true, mark: 'm', log: 'l' },
  },
  'a logged change of a ranking': {
    table: 'LeaderboardRanks',
    item: {
      Ranking: 'g-1#00001#00#d',
      Entry: 'log#l#0000000000000003',
      Changes: deflateRawSync(JSON.stringify([['pl-1', null]])),
    },
    read: (db) => new RankStore(db).noted(shard, 'l', 2),
    value: [{ version: 3, changes: new Map([['pl-1', null]]) }],
    write: (db) => new RankStore(db).note(shard, 'l', 3, new Map([['pl-1', null]])),
  },
  'a node of a ranking': {
    table: 'LeaderboardRanks',
    item: {
      Ranking: 'g-1#00001#00#d#1',
      Entry: 'node#mfz.x.1',
      Node: deflateRawSync(JSON.stringify({ entries: [[10, 0, at, 'pl-1']] })),
    },
    read: (db) => new NodeStore(db).loads(shard).ranks('mfz.x.1'),
    value: { entries: [[10, 0, at, 'pl-1']] },
    async write(db) {
      const created = new Map([['mfz.x.1', { entries: [[10, 0, at, 'pl-1']] }]]);
      await new NodeStore(db).write(shard, { ranks: { created }, players: { created: new Map() } } as never);
    },
  },
  'a page of standings': {
    table: 'LeaderboardStandings',
    item: {
      GameSeason: 'g-1#00001',
      Entry: 'page#00000000',
      Standings: deflateRawSync(JSON.stringify([[10, 0, at, 'pl-1', 'Ana', 'PT']])),
    },
    read: (db) => new StandingsStore(db).page('g-1', 1, 1, 10),
    value: [expect.objectContaining({ ...ranked, rank: 1 })],
    write: (db) => new StandingsStore(db).put('g-1', 1, 0, [{ ...ranked, rank: 1 }]),
  },
  'a reward': {
    table: 'LeaderboardStandings',
    item: { GameSeason: 'g-1#00001', Entry: 'reward#pl-1', Rank: 1, Rewards: ['cup'], GrantedAt: at },
    read: async (db) => (await new StandingsStore(db).rewards('g-1', 1, { limit: 5 })).items,
    value: [{ playerId: 'pl-1', rank: 1, rewards: ['cup'], grantedAt: at }],
    write: (db) =>
      new StandingsStore(db).grant('g-1', 1, { playerId: 'pl-1', rank: 1, rewards: ['cup'], grantedAt: at }),
  },
  'a session': {
    table: 'Sessions',
    item: { ...sessionItem, SessionData: '{"a":1}', ExpiryBucket: '2', CheckAt: at + 500 },
    read: (db) => sessionRecords(db).find('k-1'),
    value: { head: { ...session, checkAt: at + 500 }, data: '{"a":1}' },
  },
  'the data of a session': {
    table: 'Sessions',
    item: { SessionKey: 'k-2', Part: 'data', SessionData: Buffer.from('{'), RemoveAt: removeAt },
    async read(db) {
      await put({ table: 'Sessions', item: { ...sessionItem, SessionKey: 'k-2', SplitData: true } });
      return sessionRecords(db).find('k-2');
    },
    value: { head: { ...session, key: 'k-2', split: true }, data: Uint8Array.from(Buffer.from('{')) },
  },
  'the tombstone of a session': {
    table: 'Sessions',
    item: { ...sessionItem, SessionKey: 'k-3', EndedAt: at, EndReason: 'rotated' },
    read: (db) => new ExpiryIndex(db).heads(['k-3']),
    value: [{ ...session, key: 'k-3', ended: { at, reason: 'rotated' } }],
  },
  'the tombstone of a session that was never saved': {
    table: 'Sessions',
    item: { SessionKey: 'k-4', Part: 'session', EndedAt: at, EndReason: 'revoked', RemoveAt: removeAt },
    read: (db) => sessionRecords(db).ends.end('k-4', 'logout'),
    value: { was: 'ended before', reason: 'revoked' },
  },
  'a sign-in of a user': {
    table: 'Sessions',
    item: { SessionKey: 'user#u-1', Part: 'sign-in#h-1', CurrentKey: 'k-5', RemoveAt: removeAt },
    async read(db) {
      await put({ table: 'Sessions', item: { ...sessionItem, SessionKey: 'k-5' } });
      const users = new UserSessions(db, sessionRecords(db).ends, { prefix: '', now: () => at });
      const { items } = await users.list('u-1');
      return [items, await users.end('u-1', 'h-1')];
    },
    value: [[{ ...session, key: 'k-5' }], true],
  },
  'a device': {
    table: 'Devices',
    item: {
      DeviceID: 'd-1',
      Entry: 'device',
      Groups: ['g'],
      RegisteredAt: time,
      Alerts: '[]',
      AlertsVersion: 2,
      ErasingSince: time,
      ErasedAt: time,
    },
    read: (db) => new DeviceStore(db).get('d-1'),
    value: {
      deviceId: 'd-1',
      groups: ['g'],
      alerts: [],
      alertsVersion: 2,
      registeredAt: at,
      erasingSince: at,
      erasedAt: at,
    },
  },
  'an erased device': {
    table: 'Devices',
    item: { DeviceID: 'd-2', Entry: 'device', ErasedAt: time },
    read: (db) => new DeviceStore(db).get('d-2'),
    value: { deviceId: 'd-2', groups: [], alerts: [], alertsVersion: 0, erasedAt: at },
    write: (db) => new DeviceStore(db).finishErasure('d-2', at),
  },
  'what is known of a device': {
    table: 'Devices',
    item: { DeviceID: 'd-1', Entry: 'live', Live: JSON.stringify(live), Version: 1 },
    read: async (db) => (await new LiveStore(db).read(['d-1'])).get('d-1'),
    value: { live, version: 1 },
    write: (db) => new LiveStore(db).replace('d-1', { live: { states: {} }, version: 0 }, live),
  },
  'a reading': {
    table: 'DeviceData',
    item: {
      DeviceDay: 'd-1#2026-10-01',
      TimestampSeq: `${time}#r-1`,
      Metrics: '{"t":1}',
      DeviceStatus: 'ok',
      Latitude: 1,
      Longitude: 2,
    },
    read: (db) => new ReadingStore(db).newest('d-1', '2026-10-01'),
    value: row,
    write: (db) => new ReadingStore(db).put([row]),
  },
  'a rollup': {
    table: 'DeviceRollups',
    item: { Series: 'd-1#1d#2026', Bucket: '2026-10-01T00:00:00.000Z', Rollup: '{"count":1}', Version: 1 },
    async read(db) {
      const key = { deviceId: 'd-1', resolution: '1d', bucket: Date.parse('2026-10-01') } as const;
      return (await new RollupStore(db).read([key])).get(rollupId(key));
    },
    value: { rollup: { count: 1 }, version: 1 },
  },
  'an archived day': {
    table: 'Archives',
    item: {
      Archive: 'device_data',
      Day: '2026-10-01',
      Generation: 1,
      State: 'archived',
      Rows: 10,
      Bytes: 20,
      Parts: 1,
      ArchivedAt: time,
      Since: time,
    },
    read: (db) => new ArchiveStore(db, new DayStore(db)).find('2026-10-01'),
    value: {
      day: '2026-10-01',
      generation: 1,
      state: 'archived',
      rows: 10,
      bytes: 20,
      parts: 1,
      archivedAt: at,
      since: at,
    },
  },
  'the metric names of a device on a day': {
    table: 'DeviceDays',
    item: { DayBucket: dayBucket('2026-10-01', bucketOf('d-1')), Entry: 'device#d-1', Names: new Set(['#', 't']) },
    async read(db) {
      const days = new DayStore(db);
      return [await days.names('d-1', '2026-10-01'), await days.devices('2026-10-01', bucketOf('d-1'))];
    },
    value: [new Set(['#', 't']), ['d-1']],
    write: (db) => new DayStore(db).note('d-1', '2026-10-01', ['t'], 9),
  },
  'a device with late readings': {
    table: 'DeviceDays',
    item: { DayBucket: dayBucket('2026-10-01', bucketOf('d-1')), Entry: 'late#d-1', Token: 'k' },
    read: (db) => new DayStore(db).lateDevices('2026-10-01', bucketOf('d-1')),
    value: [{ deviceId: 'd-1', token: 'k' }],
    write: (db) => new DayStore(db).noteLate('d-1', '2026-10-01', 'k'),
  },
  'the generation of an archived day': {
    table: 'DeviceDays',
    item: { DayBucket: dayBucket('2026-10-01', bucketOf('d-1')), Entry: '#fence', Generation: 2 },
    read: (db) => new DayStore(db).generation('d-1', '2026-10-01'),
    value: 2,
    write: (db) => new DayStore(db).moveFence('2026-10-01', bucketOf('d-1'), 2),
  },
  'a deadline of a device': {
    table: 'DeviceDeadlines',
    item: { Bucket: String(bucketOf('d-1')).padStart(2, '0'), DueAtID: `0${at}#d-1` },
    read: (db) => new LiveStore(db).due(bucketOf('d-1'), at, 10),
    value: [{ deviceId: 'd-1', dueAt: at }],
    write: (db) => new LiveStore(db).replace('d-1', { live: { states: {} }, version: 0 }, live).slice(1),
  },
  'a restored reading': {
    table: 'DeviceData',
    item: { DeviceDay: 'd-1#2026-10-01', TimestampSeq: `${time}#r-2`, Metrics: '{"t":1}', Restored: true },
    read: async (db) => (await new ReadingStore(db).page({ deviceId: 'd-1', day: '2026-10-01' })).rows,
    value: [{ deviceId: 'd-1', timestamp: at, id: 'r-2', metrics: '{"t":1}', restored: true }],
    write: (db) => new ReadingStore(db).restore([{ deviceId: 'd-1', timestamp: at, id: 'r-2', metrics: '{"t":1}' }]),
  },
  'how far rollups are deleted': {
    table: 'Archives',
    item: { Archive: 'retention', Day: '1m', DeletedUntil: '2026-09-01' },
    read: (db) => new RetentionStore(db).deletedUntil('1m'),
    value: '2026-09-01',
    write: (db) => new RetentionStore(db).done('1m', '2026-09-01'),
  },
};
const names = Object.keys(kept);

let dynamodb: TestDynamoDB;
const keyOf = ({ table, item }: Kept) =>
  Object.fromEntries(dynamodb.db.keys(table).map((name) => [name, item[name]] as const));
const stored = async (one: Kept) =>
  (await dynamodb.db.client.send(new GetCommand({ TableName: dynamodb.db.table(one.table), Key: keyOf(one) }))).Item;
const put = ({ table, item }: Pick<Kept, 'table' | 'item'>) =>
  dynamodb.db.client.send(new PutCommand({ TableName: dynamodb.db.table(table), Item: item }));
beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
}, 120_000);
afterAll(() => dynamodb?.stop());
/** Deletes what an earlier test may have left, 25 items a call. */
beforeEach(async () => {
  const deletes = new Map(
    Object.values(kept).map((one) => {
      const [table, Key] = [dynamodb.db.table(one.table), keyOf(one)];
      return [JSON.stringify([table, Key]), { table, request: { DeleteRequest: { Key } } }] as const;
    }),
  );
  for (let left = [...deletes.values()]; left.length > 0; left = left.slice(25)) {
    const RequestItems: Record<string, { DeleteRequest: { Key: Record<string, unknown> } }[]> = {};
    for (const { table, request } of left.slice(0, 25)) (RequestItems[table] ??= []).push(request);
    await dynamodb.db.client.send(new BatchWriteCommand({ RequestItems }));
  }
});

test.each(names)('reads what the last release wrote: %s', async (name) => {
  const one = kept[name]!;
  await put(one);
  expect(await one.read(dynamodb.db)).toEqual(one.value);
});

test.each(names)('passes over attributes of a later release: %s', async (name) => {
  const one = kept[name]!;
  await put({ ...one, item: { ...one.item, OfALaterRelease: { X: [1] } } });
  expect(await one.read(dynamodb.db)).toEqual(one.value);
});

test.each(names.filter((name) => kept[name]!.write))(
  '%s is written attribute for attribute as before',
  async (name) => {
    const one = kept[name]!;
    const written = one.write!(dynamodb.db);
    if (written instanceof Promise) await written;
    else await dynamodb.db.client.send(new TransactWriteCommand({ TransactItems: [written as TransactItem].flat() }));
    const bytesAsText = (item: unknown) => JSON.parse(JSON.stringify(item)) as unknown;
    const toBuffers = Object.entries(one.item).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? Object.assign({}, value) : value,
    ]);
    expect(bytesAsText(await stored(one))).toEqual(bytesAsText(Object.fromEntries(toBuffers)));
  },
);
