import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { FeedSettings } from '../../../../src/domain/feeds/settings';
import type { ReconciliationMode } from '../../../../src/domain/platform/reconciliation';
import { cartRows, checkoutRows } from '../../../../src/operations/carts/reconciledRows';
import { caseRows } from '../../../../src/operations/fraud/reconciledRows';
import { erasureRows } from '../../../../src/operations/devices/reconciledRows';
import { modeChangeRows } from '../../../../src/operations/feeds/reconciledRows';
import { seasonRows } from '../../../../src/operations/leaderboards/reconciledRows';
import { Reconciler } from '../../../../src/operations/platform/reconciliation/reconciler';
import { CartStore } from '../../../../src/stores/carts/carts';
import { CheckoutStore } from '../../../../src/stores/carts/checkouts';
import { DeviceStore } from '../../../../src/stores/devices/devices';
import { FeedUserStore } from '../../../../src/stores/feeds/users';
import { DecisionStore } from '../../../../src/stores/fraud/decisions';
import { InvestigationStore } from '../../../../src/stores/fraud/investigations';
import { ReconciliationReportStore } from '../../../../src/stores/platform/reconciliationReports';
import { BoardStore } from '../../../../src/stores/leaderboards/boards';
import { startTestDynamoDB, type TestDynamoDB } from '../../../support/dynamodb';
import { everything } from '../../../../src/graph/capabilities';

// A quick look over tables of any size: it costs the same, and round by round it comes by every open row.

let dynamodb: TestDynamoDB;
beforeAll(async () => void (dynamodb = await startTestDynamoDB()), 60_000);
afterAll(() => dynamodb?.stop());

/** By an index or by pages, as `buildGraph` gives them. */
function allRows() {
  const { db } = dynamodb;
  const settings: FeedSettings = { threshold: 1, cap: 100, backfill: 10, trimEvery: 10, ranges: 4, bulkAbove: 100 };
  return [
    caseRows({ investigations: new InvestigationStore(db), decisions: new DecisionStore(db) }, {} as never),
    cartRows(new CartStore(db)),
    checkoutRows(new CheckoutStore(db)),
    seasonRows(new BoardStore(db)),
    modeChangeRows(new FeedUserStore(db), settings),
    erasureRows(new DeviceStore(db), { eraseAfterMs: 0 }),
  ];
}

/** A reconciler over real rows, and a Temporal in which every workflow runs but the lost ones. */
function reconcilerOf(lost: ReadonlySet<string>) {
  const restarted: string[] = [];
  const asked = { ids: 0 };
  const runs = {
    async running(ids: readonly string[]) {
      asked.ids += ids.length;
      return new Set(ids.filter((id) => !lost.has(id) || restarted.includes(id)));
    },
    latest: async () => undefined,
    endedBadly: async () => ({ items: [] }),
    runningOf: async () => ({ items: [] }),
    restart: async ({ workflowId }: { workflowId: string }) => restarted.push(workflowId) > 0,
  };
  const onFault = (error: unknown) => {
    throw error;
  };
  const looks = new ReconciliationReportStore(dynamodb.db);
  const parts = {
    runs: runs as never,
    reports: looks,
    rows: allRows(),
    standing: [],
    lifecycleRule: everything.lifecycleRule,
    onRestarted: () => undefined,
    onFault,
  };
  const reconciler = new Reconciler(parts, { graceMs: 0, pauseMs: 0 });
  const { signal } = new AbortController();
  const look = (mode: ReconciliationMode) => reconciler.reconcile(mode, { signal, heartbeat: () => undefined });
  return { restarted, asked, look: () => look('quick'), lookAtAll: () => look('full') };
}

async function write(table: string, items: Record<string, unknown>[]): Promise<void> {
  for (let i = 0; i < items.length; i += 25) {
    const puts = items.slice(i, i + 25).map((Item) => ({ PutRequest: { Item } }));
    await dynamodb.db.client.send(new BatchWriteCommand({ RequestItems: { [dynamodb.db.table(table)]: puts } }));
  }
}

/** Rows of each table, of which one in ten is open. */
async function writeRows(count: number): Promise<string[]> {
  const all = Array.from({ length: count }, (_, i) => ({ id: `n${i}`, isOpen: i % 10 === 0 }));
  const cart = { Entry: 'cart', CartNumber: 1, Version: 1, OpenedAt: 1, LastActivityAt: 1 };
  const lines = { Quantities: { book: 1 }, Snapshots: {}, Keys: {} };
  const carts = all.map(({ id, isOpen }) => ({ ...cart, ...lines, UserID: id, Status: isOpen ? 'open' : 'closed' }));
  await write('ShoppingCart', carts);
  const checkout = { Entry: 'checkout', UserID: 'ada', CartNumber: 1, CartVersion: 1, CreatedAt: 1, HoldUntil: 2 };
  const frozen = { Lines: [], Currency: 'EUR', Total: 1, PartLines: 90, PartsDone: 1, Attempt: 'a' };
  const status = (isOpen: boolean) => (isOpen ? 'held' : 'confirmed');
  const checkouts = all.map(({ id, isOpen }) => ({ ...checkout, ...frozen, CheckoutID: id, Status: status(isOpen) }));
  await write('Checkouts', checkouts);
  const mode = (isOpen: boolean) => (isOpen ? 'rising' : 'push');
  await write(
    'Users',
    all.map(({ id, isOpen }) => ({ UserID: id, Name: id, PushMode: mode(isOpen), ModeVersion: 1 })),
  );
  const erasing = { ErasingSince: new Date(1_000).toISOString() };
  await write(
    'Devices',
    all.map(({ id, isOpen }) => ({ DeviceID: id, Entry: 'device', ...(isOpen && erasing) })),
  );
  const idsOf = (id: string) => [`cart/${id}/1`, `checkout/${id}`, `turn/${id}/1`, `erase/${id}/1000`];
  return all.filter(({ isOpen }) => isOpen).flatMap(({ id }) => idsOf(id));
}

/** Of a page of 1,000 items and at most 1 MB, eventually consistent. */
const UNITS_A_PAGE = 128;
const PAGED_TABLES = 4;

it('at rest a quick look reads less than six units', async () => {
  const { look } = reconcilerOf(new Set());
  const { read } = await dynamodb.unitsOf(look);
  expect(read).toBeLessThan(6);
});

it('finds each cart, checkout, turn and erasure that has no workflow, a page of each table a look', async () => {
  const open = await writeRows(2_500);
  const { restarted, asked, look } = reconcilerOf(new Set(open));
  for (let looks = 1; looks <= 3; looks++) {
    asked.ids = 0;
    const { read } = await dynamodb.unitsOf(look);
    // The row of each lost workflow is read again, which a look without lost ones does not do.
    expect(read - asked.ids).toBeLessThanOrEqual(PAGED_TABLES * UNITS_A_PAGE + 6);
    expect(asked.ids).toBeLessThanOrEqual(PAGED_TABLES * 1_000);
  }
  expect(restarted.toSorted()).toEqual(open.toSorted());
  // Round again: nothing is left to do.
  for (let looks = 1; looks <= 3; looks++) expect((await look()).restarted).toEqual({});
  const another = reconcilerOf(new Set(open));
  await another.lookAtAll();
  expect(another.restarted.toSorted()).toEqual(open.toSorted());
});
