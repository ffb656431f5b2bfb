import * as fc from 'fast-check';
import type { Alert, AlertEvent, SilenceAlert } from '../../../src/domain/devices/alerts';
import { type Live, liveDeadline, liveReadings, NEVER_SEEN, watchSilence } from '../../../src/domain/devices/live';
import type { ReadingRow } from '../../../src/domain/devices/reading';

const SECOND = 1_000;
const alerts: readonly Alert[] = [
  { id: 'hot', kind: 'threshold', metric: 't', direction: 'above', value: 30, clear: 25, forSeconds: 3 },
  { id: 'fast', kind: 'rate', metric: 't', direction: 'either', perMinute: 300 },
  { id: 'quiet', kind: 'silence', afterSeconds: 5 },
];
const row = (second: number, t: number): ReadingRow => ({
  deviceId: 'd',
  timestamp: second * SECOND,
  id: `${second}-${t}`,
  metrics: JSON.stringify({ t }),
});
const arbitraryRows = fc
  .uniqueArray(fc.tuple(fc.nat(60), fc.integer({ min: 10, max: 40 })), {
    selector: ([second]) => second,
    maxLength: 40,
  })
  .map((readings) => readings.sort(([a], [b]) => a - b).map(([second, t]) => row(second, t)));

/** Feeds batches one after another. */
function fed(batches: readonly (readonly ReadingRow[])[], given: readonly Alert[] = alerts) {
  let live: Live = NEVER_SEEN;
  const events: AlertEvent[] = [];
  for (const batch of batches) {
    const step = liveReadings(live, batch, given);
    ({ live } = step);
    events.push(...step.events);
  }
  return { live, events };
}

const arbitraryBatches = fc.tuple(arbitraryRows, fc.array(fc.nat(40), { maxLength: 6 })).map(([rows, cuts]) => {
  const ends = [...cuts, rows.length].sort((a, b) => a - b);
  return { rows, batches: ends.map((end, i) => rows.slice(ends[i - 1] ?? 0, end)) };
});

it('alerts are the same however readings are cut into batches, and in whatever order those of one batch come', () => {
  fc.assert(
    fc.property(arbitraryBatches, fc.nat(), ({ rows, batches }, seed) => {
      const whole = fed(rows.map((one) => [one]));
      const mixed = batches.map((batch) =>
        batch.toSorted((a, b) => ((a.timestamp * seed) % 7) - ((b.timestamp * seed) % 7)),
      );
      const { live, events } = fed(mixed);
      const byAlert = (all: readonly AlertEvent[]) =>
        alerts.map(({ id }) => all.filter(({ alertId }) => alertId === id));
      expect(byAlert(events)).toEqual(byAlert(whole.events));
      expect([live.row, live.states]).toEqual([whole.live.row, whole.live.states]);
    }),
  );
});

it('readings that come again, or late, change nothing', () => {
  fc.assert(
    fc.property(arbitraryBatches, ({ rows, batches }) => {
      const { live } = fed(batches);
      expect(liveReadings(live, rows, alerts)).toEqual({ live, events: [] });
    }),
  );
});

it('raised and cleared take turns, and each has a number of its own', () => {
  fc.assert(
    fc.property(arbitraryBatches, ({ batches }) => {
      const { events } = fed(batches);
      for (const { id } of alerts) {
        const mine = events.filter(({ alertId }) => alertId === id);
        expect(mine.map(({ event }) => event)).toEqual(mine.map((_, i) => (i % 2 === 0 ? 'raised' : 'cleared')));
        expect(mine.map(({ episode }) => episode)).toEqual(mine.map((_, i) => Math.floor(i / 2) + 1));
      }
    }),
  );
});

it('silence is raised exactly where two readings lie further apart than allowed, if each deadline is kept', () => {
  const quiet: Alert = { id: 'quiet', kind: 'silence', afterSeconds: 5 };
  fc.assert(
    fc.property(arbitraryRows, (rows) => {
      let live = watchSilence(NEVER_SEEN, [quiet], 0);
      const raised: number[] = [];
      /** The watch: looks at each deadline that comes before an instant. */
      const passes = (until: number) => {
        while (live.deadline !== undefined && live.deadline < until) {
          const step = liveDeadline(live, 'd', [quiet], live.deadline);
          ({ live } = step);
          raised.push(...step.events.map(({ at }) => at / SECOND));
        }
      };
      for (const one of rows) {
        passes(one.timestamp);
        ({ live } = liveReadings(live, [one], [quiet]));
      }
      passes(Number.POSITIVE_INFINITY);
      const seconds = [0, ...rows.map(({ timestamp }) => timestamp / SECOND)];
      expect(raised).toEqual(
        seconds.filter((second, i) => (seconds[i + 1] ?? Infinity) - second > 5).map((second) => second + 5),
      );
    }),
  );
});

describe('silence', () => {
  const quiet: SilenceAlert = { id: 'quiet', kind: 'silence', afterSeconds: 60 };
  const names = (events: readonly AlertEvent[]) =>
    events.map(({ event, at, episode }) => `${event} ${episode} at ${at / SECOND}`);

  it(
    'is raised once its time has passed, and cleared by the next reading; one that reports costs a look in that ' +
      'time',
    () => {
      let { live } = liveReadings(NEVER_SEEN, [row(0, 1)], [quiet]);
      expect(live.deadline).toBe(60 * SECOND);
      for (let second = 1; second <= 50; second++) ({ live } = liveReadings(live, [row(second, second)], [quiet]));
      // However often it reports, the deadline is left alone until it is due.
      expect(live.deadline).toBe(60 * SECOND);
      let step = liveDeadline(live, 'd', [quiet], 60 * SECOND);
      expect([step.events, step.live.deadline]).toEqual([[], 110 * SECOND]);
      step = liveDeadline(step.live, 'd', [quiet], 110 * SECOND);
      expect([names(step.events), step.live.deadline]).toEqual([['raised 1 at 110'], undefined]);
      step = liveReadings(step.live, [row(500, 1)], [quiet]);
      expect([names(step.events), step.live.deadline]).toEqual([['cleared 1 at 500'], 560 * SECOND]);
    },
  );

  it('of a device that never reports counts from when it is watched', () => {
    const live = watchSilence(NEVER_SEEN, [quiet], 1_000 * SECOND);
    expect(live).toEqual({ states: {}, watchedSince: 1_000 * SECOND, deadline: 1_060 * SECOND });
    expect(watchSilence(live, [quiet], 1_050 * SECOND)).toEqual(live);
    expect(names(liveDeadline(live, 'd', [quiet], 1_060 * SECOND).events)).toEqual(['raised 1 at 1060']);
  });

  it('a late reading changes nothing: it tells nothing of the moment', () => {
    const { live } = liveReadings(NEVER_SEEN, [row(100, 1)], [quiet]);
    expect(liveReadings(live, [row(99, 99)], [quiet])).toEqual({ live, events: [] });
  });

  it('an alert that was taken away waits for nobody', () => {
    const live: Live = { row: row(0, 1), states: {}, deadline: 60 * SECOND };
    expect(liveDeadline(live, 'd', [], 60 * SECOND)).toEqual({ live: { row: live.row, states: {} }, events: [] });
  });
});
