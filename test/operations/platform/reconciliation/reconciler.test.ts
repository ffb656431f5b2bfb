import {
  emptyReport,
  type ReconciliationReport,
  type ReconciliationMode,
} from '../../../../src/domain/platform/reconciliation';
import type { LatestRun } from '../../../../src/gateways/temporal/runs';
import { Boards } from '../../../../src/operations/leaderboards/boards';
import { seasonRows } from '../../../../src/operations/leaderboards/reconciledRows';
import { type ReconciliationProgress, Reconciler } from '../../../../src/operations/platform/reconciliation/reconciler';
import type { ReconciledRows } from '../../../../src/operations/platform/reconciliation/reconciledRows';
import { LongwatchError } from '../../../../src/domain/errors';
import { seasonId } from '../../../../src/domain/leaderboards/workflows';
import { wasStoppedFromOutside } from '../../../../src/workflows/cancellation';
import {
  CancelledFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
  RetryState,
} from '@temporalio/common';
import { everything } from '../../../../src/graph/capabilities';

/** A reconciler over rows and runs in memory. */
function reconcilerOf(rows: ReconciledRows[], runs: Record<string, LatestRun | undefined>, endedBadly: string[] = []) {
  let last: ReconciliationReport | undefined;
  const done: string[] = [];
  const fake = {
    running: async (ids: string[]) => new Set(ids.filter((id) => runs[id]?.status === 'RUNNING')),
    latest: async (id: string) => runs[id],
    endedBadly: async () => ({ items: endedBadly.map((workflowId) => ({ workflowId, type: runs[workflowId]!.type })) }),
    terminate: async ({ workflowId }: { workflowId: string }) => void done.push(`terminate ${workflowId}`),
    restart: async ({ workflowId }: { workflowId: string }) => done.push(`start ${workflowId}`) > 0,
  };
  const reconciler = new Reconciler(
    {
      runs: fake as never,
      reports: {
        read: async () => last,
        write: async (_: string, look: ReconciliationReport) => void (last = look),
      } as never,
      rows,
      standing: [],
      lifecycleRule: everything.lifecycleRule,
      onRestarted: () => undefined,
      onFault: (error) => done.push(String(error)),
    },
    { graceMs: 0, pauseMs: 0 },
  );
  return {
    done,
    last: () => last,
    look: (mode: ReconciliationMode = 'quick', from?: ReconciliationProgress) =>
      reconciler.reconcile(mode, {
        signal: new AbortController().signal,
        heartbeat: () => undefined,
        ...(from && { from }),
      }),
  };
}
const start = (workflowId: string, workflowType: string) => ({
  workflowId,
  workflowType,
  taskQueue: 'q',
  args: [],
  summary: '',
  searchAttributes: {},
});
const run = (workflowId: string, type: string, over: Partial<LatestRun> = {}): LatestRun => ({
  workflowId,
  runId: 'r',
  type,
  status: 'RUNNING',
  restarts: 0,
  isReset: false,
  ...over,
});

it('a quick look takes the next page of a list that it does not read whole, and begins anew at the end', async () => {
  const asked: (string | undefined)[] = [];
  const pages: Record<string, { items: { workflowId: string; since: number }[]; cursor?: string }> = {
    first: { items: [{ workflowId: 'a', since: 0 }], cursor: 'second' },
    second: { items: [{ workflowId: 'b', since: 0 }] },
  };
  const rows: ReconciledRows = {
    workflowType: 'season',
    foundBy: 'pages',
    open: async (cursor) => (asked.push(cursor), pages[cursor ?? 'first']!),
    startOf: async (id) => start(id, 'season'),
  };
  const { done, look } = reconcilerOf([rows], { a: run('a', 'season') });
  for (let i = 0; i < 3; i++) await look();
  expect(asked).toEqual([undefined, 'second', undefined]);
  expect(done).toEqual(['start b']);
});

const staleCursor = () =>
  new LongwatchError('invalid', 'another list’s cursor', {
    faults: [{ field: 'cursor', message: 'belongs to another list' }],
  });

it(
  'a full look that an attempt of another release left in the middle of a list goes through that list from its ' +
    'beginning',
  async () => {
    const asked: (string | undefined)[] = [];
    const rows: ReconciledRows = {
      workflowType: 'cart',
      foundBy: 'pages',
      async open(cursor) {
        asked.push(cursor);
        if (cursor === 'of-another-release') throw staleCursor();
        return { items: [] };
      },
      startOf: async () => undefined,
    };
    const { look } = reconcilerOf([rows], {});
    await look('full', { startedAt: 1, report: emptyReport(), step: 1, cursor: 'of-another-release' });
    expect(asked).toEqual(['of-another-release', undefined]);
  },
);

it('a cursor that the store does not take any more stops no look', async () => {
  let isStale = false;
  const asked: (string | undefined)[] = [];
  const rows: ReconciledRows = {
    workflowType: 'season',
    foundBy: 'pages',
    async open(cursor) {
      asked.push(cursor);
      if (isStale && cursor !== undefined) throw staleCursor();
      return { items: [], cursor: 'next' };
    },
    startOf: async () => undefined,
  };
  const { look, last } = reconcilerOf([rows], {});
  await look();
  isStale = true;
  await look();
  expect(asked).toEqual([undefined, 'next', undefined]);
  expect(last()?.nextPages).toEqual({ season: 'next' });
});

it.each([
  ['of a type that carries its row’s state is replaced', true, true, ['terminate w', 'start w']],
  ['of a type that reads its row is left alone', false, true, []],
  ['that runs because somebody started it by hand is left alone', true, false, []],
])('a run that was reset, %s', async (_, carriesState, isReset, expected) => {
  const rows: ReconciledRows = {
    workflowType: 'investigation',
    foundBy: 'index',
    carriesState,
    open: async () => ({ items: [] }),
    startOf: async (id) => start(id, 'investigation'),
  };
  const { done, look } = reconcilerOf([rows], { w: run('w', 'investigation', { isReset }) }, ['w']);
  const { restarted, checkedByType } = await look();
  expect(done).toEqual(expected);
  expect(restarted).toEqual(expected.length > 0 ? { investigation: 1 } : {});
  expect(checkedByType).toEqual({ investigation: 1 });
});

it('a run that was reset and whose row has ended is terminated, and nothing follows it', async () => {
  const rows: ReconciledRows = {
    workflowType: 'investigation',
    foundBy: 'index',
    carriesState: true,
    open: async () => ({ items: [] }),
    startOf: async () => undefined,
  };
  const { done, look } = reconcilerOf([rows], { w: run('w', 'investigation', { isReset: true }) }, ['w']);
  expect(await look()).toMatchObject({ restarted: {}, terminated: 1 });
  expect(done).toEqual(['terminate w']);
});

it.each([
  ['final', 0],
  ['closing', 0],
  ['open', 1],
])('bans are carried into a season that is %s: %d', async (status, expected) => {
  const carried: string[] = [];
  const boards = {
    find: async () => ({ gameId: 'g' }),
    season: async () => ({ number: 1, status }),
    bans: async () => ({ items: [{ playerId: 'ada' }] }),
    carryBan: async (_: string, playerId: string) => void carried.push(playerId),
  };
  await new Boards({ boards, scores: { mark: () => ({}) } } as never, {} as never).carryBans('g', 1, () => undefined);
  expect(carried).toHaveLength(expected);
});

it.each([
  ['one alone is refused for good', new LongwatchError('refused', 'never'), ['b']],
  [
    'one alone cannot be dealt with because DynamoDB does not answer',
    new LongwatchError('unavailable', 'away'),
    undefined,
  ],
  ['one alone is denied', new LongwatchError('refused', 'grant it', { isOurFault: true }), undefined],
])('a look at rows, of which %s', async (_, fault, started) => {
  const rowsOf = (
    workflowType: string,
    id: string,
    startOf: () => Promise<ReturnType<typeof start>>,
  ): ReconciledRows => ({
    workflowType,
    foundBy: 'index',
    open: async () => ({ items: [{ workflowId: id, since: 0 }] }),
    startOf,
  });
  const odd = rowsOf('season', 'a', () => Promise.reject(fault));
  const other = rowsOf('investigation', 'b', async () => start('b', 'investigation'));
  const { done, look } = reconcilerOf([odd, other], {});
  if (!started) return void (await expect(look()).rejects.toBe(fault));
  // The other type is looked at all the same, and the one is told and found again by the next look.
  expect(await look()).toMatchObject({ restarted: { investigation: 1 }, postponed: 1 });
  expect(done).toEqual([String(fault), 'start b']);
});

it('a board whose seasons can never be read keeps no other board from the reconciler', async () => {
  const skipped: string[] = [];
  const boards = {
    games: async () => ({ items: ['one', 'odd', 'other'] }),
    seasons: async (gameId: string) => {
      if (gameId === 'odd') throw new LongwatchError('refused', 'never');
      return { items: [{ number: 1, endsAt: 1, status: 'open' }] };
    },
  };
  const { items } = await seasonRows(boards as never, (entity) => skipped.push(entity)).open(undefined);
  expect(items.map(({ workflowId }) => workflowId)).toEqual([seasonId('one', 1), seasonId('other', 1)]);
  expect(skipped).toEqual(['the seasons of odd']);
});

it('a parent tells a child that somebody stopped from one that failed by itself', () => {
  const child = (cause: Error) =>
    new ChildWorkflowFailure(
      'default',
      { workflowId: 'w', runId: 'r' },
      'eraseDay',
      RetryState.NON_RETRYABLE_FAILURE,
      cause,
    );
  expect(wasStoppedFromOutside(child(new TerminatedFailure('by a person')))).toBe(true);
  expect(wasStoppedFromOutside(child(new CancelledFailure('by a person')))).toBe(true);
  expect(wasStoppedFromOutside(child(ApplicationFailure.nonRetryable('broken')))).toBe(false);
  expect(wasStoppedFromOutside(new TerminatedFailure('not of a child'))).toBe(false);
});
