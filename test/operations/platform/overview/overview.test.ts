import fc from 'fast-check';
import type { Happening } from '../../../../src/domain/platform/happening';
import type { ListedWorkflow } from '../../../../src/gateways/temporal/visibility';
import { WorkflowNews } from '../../../../src/operations/platform/overview/workflowNews';
import { sharedRead } from '../../../../src/operations/platform/overview/sharedRead';
import { RecentEvents } from '../../../../src/operations/platform/overview/recentEvents';
import { clockOf, FakeClock } from '../../../support/clock';
import { eventually } from '../../../support/eventually';

describe('what was looked up', () => {
  it('is shared while it is fresh, and looked up anew afterwards', async () => {
    const clock = new FakeClock();
    let looks = 0;
    const look = sharedRead(async () => ++looks, { forMs: 100, clock });
    const all = await Promise.all([look(), look(), look()]);
    expect(all.map((one) => 'value' in one && one.value)).toEqual([1, 1, 1]);
    clock.time = 100;
    expect(await look()).toEqual({ value: 2, at: 100 });
  });

  it('is unavailable, not an error, where it fails or takes too long', async () => {
    expect(
      await sharedRead(async () => Promise.reject(new Error('away')), { forMs: 100, clock: new FakeClock(5) })(),
    ).toEqual({
      unavailable: true,
      at: 5,
    });
    expect(
      await sharedRead(() => new Promise(() => undefined), { forMs: 100, boundMs: 10, clock: new FakeClock(5) })(),
    ).toEqual({
      unavailable: true,
      at: 5,
    });
  });
});

it('a part that is slow holds nobody up: what was found before is given meanwhile', async () => {
  const clock = new FakeClock();
  let slow: ((value: number) => void) | undefined;
  let looks = 0;
  const look = sharedRead(
    () => (++looks === 1 ? Promise.resolve(1) : new Promise<number>((resolve) => (slow = resolve))),
    { forMs: 100, waitMs: 20, clock },
  );
  expect(await look()).toEqual({ value: 1, at: 0 });
  clock.time = 100;
  expect(await look()).toEqual({ value: 1, at: 0 });
  slow!(2);
  expect(await look()).toEqual({ value: 2, at: 100 });
  expect(looks).toBe(2);
});

describe('recent events', () => {
  it('count what is routine and lose none of it, whatever comes in which order', async () => {
    const happening = fc.record<Happening>({
      area: fc.constantFrom('fraud', 'feeds'),
      tone: fc.constant('routine'),
      text: fc.constantFrom('payment approved', 'post delivered to a feed'),
      count: fc.integer({ min: 1, max: 1_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 1, maxLength: 200 }), async (all) => {
        const events = new RecentEvents();
        for (const one of all) events.note(one);
        const counted = (some: readonly { count?: number }[]) => some.reduce((sum, { count = 1 }) => sum + count, 0);
        const told = await eventually(
          () => events.since(),
          (found) => counted(found) >= counted(all),
        );
        expect(counted(told)).toBe(counted(all));
        expect(told.length).toBe(new Set(all.map(({ area, text }) => `${area} ${text}`)).size);
        events.close();
      }),
      { numRuns: 5 },
    );
  });

  it('tell notable things one by one up to a rate, and keep a bounded number', async () => {
    let now = 1_000_000;
    const events = new RecentEvents(clockOf(() => now));
    const heard: number[] = [];
    events.listen(({ id }) => heard.push(id));
    for (let second = 0; second < 40; second++, now += 1_000)
      for (let i = 0; i < 50; i++) events.note({ area: 'fraud', tone: 'notable', text: `case ${second}-${i}` });
    expect(events.since()).toHaveLength(200);
    expect(heard).toHaveLength(40 * 20);
    expect(heard).toEqual([...heard].sort((a, b) => a - b));
    // The others are counted.
    expect(
      await eventually(
        () => events.since().at(-1),
        (last) => last?.count,
      ),
    ).toMatchObject({ text: 'further events, too many to list one by one', count: 40 * 30 });
    events.close();
  });
});

it('lifecycles are told once each, as they began and as they ended, however often they are seen', async () => {
  const told: Happening[] = [];
  const begun: ListedWorkflow = {
    workflowId: 'investigation/tx-1',
    runId: 'r1',
    type: 'investigation',
    status: 'running',
    startedAt: 10,
  };
  let ended: ListedWorkflow[] = [];
  const queries: string[] = [];
  const lifecycles = new WorkflowNews({
    temporal: {
      list: async (query) => {
        queries.push(query);
        return query.includes('StartTime') ? [begun] : ended;
      },
    },
    lifecycles: { investigation: { area: 'fraud', name: 'An investigation' } },
    note: (happening) => told.push(happening),
    clock: new FakeClock(Date.parse('2026-01-31T12:00:00Z')),
  });
  await lifecycles.poll();
  ended = [{ ...begun, status: 'failed', closedAt: 20 }];
  await lifecycles.poll();
  await lifecycles.poll();
  expect(told).toEqual([
    { area: 'fraud', tone: 'notable', text: 'An investigation began', workflowId: 'investigation/tx-1', at: 10 },
    { area: 'fraud', tone: 'problem', text: 'An investigation failed', workflowId: 'investigation/tx-1', at: 20 },
  ]);
  // Ten minutes back at first, and then what is new, with an overlap.
  expect(queries[0]).toContain("StartTime >= '2026-01-31T11:49:50.000Z'");
  expect(queries[2]).toContain("StartTime >= '2026-01-31T11:59:50.000Z'");
});
