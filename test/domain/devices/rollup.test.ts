import * as fc from 'fast-check';
import { addExactly, type Expansion, rounded } from '../../../src/domain/devices/exactSum';
import { addReadings, emptyRollup, type Rollup, shownMetric } from '../../../src/domain/devices/rollup';
import { type Reading, rowContent } from '../../../src/domain/devices/reading';
import { withId } from '../../../src/stores/devices/readingId';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 });

/** The double's own value times 2^1074, without any rounding. */
function scaled(value: number): bigint {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  const exponent = (high >>> 20) & 0x7ff;
  const fraction = (BigInt(high & 0xfffff) << 32n) | BigInt(bits.getUint32(4));
  const magnitude = exponent === 0 ? fraction : (fraction | (1n << 52n)) << BigInt(exponent - 1);
  return high >>> 31 ? -magnitude : magnitude;
}

/** The double closest to an exact value times 2^1074, ties to even. */
function nearest(exact: bigint): number {
  const sign = exact < 0n ? -1 : 1;
  let rest = exact < 0n ? -exact : exact;
  let shift = 0n;
  const bits = rest.toString(2).length;
  if (bits > 53) {
    shift = BigInt(bits - 53);
    const below = rest & ((1n << shift) - 1n);
    const half = 1n << (shift - 1n);
    rest >>= shift;
    if (below > half || (below === half && rest % 2n === 1n)) rest += 1n;
  }
  // Both steps are exact: the first stays a whole number of 53 bits, the second only moves the exponent.
  let value = Number(rest);
  for (let exponent = Number(shift) - 1074; exponent !== 0;) {
    const step = Math.max(-1000, Math.min(1000, exponent));
    value *= 2 ** step;
    exponent -= step;
  }
  return sign * value;
}

describe('exact sums', () => {
  const sumOf = (values: readonly number[]) =>
    rounded(values.reduce<Expansion>((sum, value) => addExactly(sum, value), []));

  it('are the double closest to the true total, in whatever order the numbers come', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            finite,
            fc.double({ noNaN: true, min: -100, max: 100 }),
            fc.constantFrom(0.1, 1e16, -1e16, 1, 2 ** -1074, -(2 ** -1074)),
          ),
          { maxLength: 40 },
        ),
        fc.integer(),
        (values, seed) => {
          const exact = nearest(values.reduce((sum, value) => sum + scaled(value), 0n));
          expect(sumOf(values) === exact).toBe(true);
          const shuffled = values
            .map((value, i) => ({ value, at: Math.sin(seed + i * 7919) }))
            .sort((a, b) => a.at - b.at)
            .map(({ value }) => value);
          expect(sumOf(shuffled) === exact).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('keep what a running sum of doubles loses', () => {
    expect(sumOf(Array.from({ length: 10 }, () => 0.1))).toBe(1);
    expect(sumOf([1e16, 1, -1e16])).toBe(1);
    expect(sumOf([])).toBe(0);
  });
});

describe('rollups', () => {
  const value = fc.oneof(finite, fc.integer({ min: -5, max: 5 }), fc.boolean(), fc.string({ maxLength: 4 }));
  const name = fc.constantFrom('temperature', 'constructor', 'open', 'toString');
  const reading: fc.Arbitrary<Reading> = fc.record({
    deviceId: fc.constant('d-1'),
    timestamp: fc.integer({ min: 0, max: 30 }),
    metrics: fc.dictionary(name, value, { maxKeys: 3 }),
  });

  it('are the same whatever order readings come in, and however they are cut into batches', () => {
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 25 }), fc.integer({ min: 1, max: 5 }), (readings, size) => {
        const rows = readings.map((one) => withId(rowContent(one)));
        const atOnce = addReadings(emptyRollup, rows);
        let inBatches: Rollup = emptyRollup;
        const turned = rows.toReversed();
        for (let i = 0; i < turned.length; i += size)
          inBatches = addReadings(JSON.parse(JSON.stringify(inBatches)) as Rollup, turned.slice(i, i + size));
        const shown = ({ readings: count, metrics }: Rollup) => ({
          count,
          metrics: Object.fromEntries(Object.entries(metrics).map(([key, metric]) => [key, shownMetric(metric)])),
        });
        expect(shown(inBatches)).toEqual(shown(atOnce));
        expect(atOnce.readings).toBe(readings.length);
      }),
      { numRuns: 150 },
    );
  });

  it('say what there was: count, sum, min, max and last; switches count as 0 and 1, texts only count', () => {
    const rows = [
      { timestamp: 2, metrics: { t: 1.5, open: true, mode: 'eco' } },
      { timestamp: 1, metrics: { t: -0.5, open: true } },
      { timestamp: 3, metrics: { open: false, mode: 'boost' } },
    ].map((one) => withId(rowContent({ deviceId: 'd', ...one } as Reading)));
    const { metrics } = addReadings(emptyRollup, rows);
    expect(shownMetric(metrics['t']!)).toEqual({
      count: 2,
      sum: 1,
      min: -0.5,
      max: 1.5,
      mean: 0.5,
      last: { timestamp: '1970-01-01T00:00:00.002Z', value: 1.5 },
    });
    expect(shownMetric(metrics['open']!)).toMatchObject({ count: 3, sum: 2, min: 0, max: 1, last: { value: false } });
    expect(shownMetric(metrics['mode']!)).toEqual({
      count: 2,
      last: { timestamp: '1970-01-01T00:00:00.003Z', value: 'boost' },
    });
  });
});
