import { type Alert, nextReading, NORMAL } from '../../../src/domain/devices/alerts';
import { type ReadingRow, rowContent } from '../../../src/domain/devices/reading';
import { withId } from '../../../src/stores/devices/readingId';

const SECOND = 1_000;
const row = (seconds: number, metrics: Record<string, number | boolean | string>): ReadingRow =>
  withId(rowContent({ deviceId: 'd', timestamp: seconds * SECOND, metrics }));
/** What a course of readings, `[second, value]`, makes of an alert. */
function course(alert: Alert, readings: readonly (readonly [number, number | string])[]): string[] {
  let state = NORMAL;
  return readings.flatMap(([second, t]) => {
    const step = nextReading(alert, state, row(second, { t }));
    state = step.state;
    return step.event ? [`${step.event.event} at ${second}`] : [];
  });
}

describe('threshold', () => {
  const hot: Alert = { id: 'hot', kind: 'threshold', metric: 't', direction: 'above', value: 30, clear: 28 };

  it('hysteresis: raised beyond the value, cleared on the good side of the other, once each', () => {
    expect(
      course(hot, [
        [1, 30],
        [2, 31],
        [3, 32],
        [4, 29],
        [5, 28.5],
        [6, 28],
        [7, 29],
        [8, 31],
      ]),
    ).toEqual(['raised at 2', 'cleared at 6', 'raised at 8']);
  });

  it('duration: raised only once readings were beyond it for so long; one good reading begins anew', () => {
    const long: Alert = { ...hot, forSeconds: 60 };
    expect(
      course(long, [
        [0, 31],
        [30, 33],
        [50, 30],
        [55, 31],
        [100, 35],
        [115, 31],
        [200, 20],
      ]),
    ).toEqual(['raised at 115', 'cleared at 200']);
  });

  it('below is above turned over; a switch counts as 0 and 1, a text is no number', () => {
    expect(
      course({ id: 'off', kind: 'threshold', metric: 't', direction: 'below', value: 5 }, [
        [1, 6],
        [2, 4],
        [3, 'cold'],
        [4, 5],
      ]),
    ).toEqual(['raised at 2', 'cleared at 4']);
  });
});

it('rate: a change faster than so much a minute, from one reading to the next', () => {
  const fast: Alert = { id: 'fast', kind: 'rate', metric: 't', direction: 'rise', perMinute: 10, clear: 5 };
  expect(
    course(fast, [
      [0, 0],
      [60, 10],
      [120, 21],
      [180, 28],
      [240, 32],
      [300, 10],
    ]),
  ).toEqual(['raised at 120', 'cleared at 240']);
  expect(
    course({ ...fast, direction: 'fall' }, [
      [0, 0],
      [60, -11],
      [120, -11],
    ]),
  ).toEqual(['raised at 60', 'cleared at 120']);
  expect(
    course({ ...fast, direction: 'either' }, [
      [0, 0],
      [30, -6],
      [30, 100],
      [60, -6],
    ]),
  ).toEqual(['raised at 30', 'cleared at 60']);
});
