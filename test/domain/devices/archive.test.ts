import * as fc from 'fast-check';
import {
  lanesOf,
  manifestKey,
  manifestOf,
  nextPart,
  type ArchiveFile,
  partKey,
  partName,
  PARTS_PER_LANE,
} from '../../../src/domain/devices/archive';

const part = (n: number, rows = 1): ArchiveFile => ({
  name: partName(n),
  rows,
  bytes: 10,
  sha256: 'x',
  minTime: 0,
  maxTime: 1,
});

it('lanes share the buckets of a day, each bucket in one, and write under numbers of their own', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.integer({ min: 1, max: 64 }), fc.nat(5_000), (devices, buckets, firstPart) => {
      const lanes = lanesOf(devices, buckets, firstPart);
      expect(lanes.flatMap((lane) => lane.buckets).sort((a, b) => a - b)).toEqual(
        Array.from({ length: buckets }, (_, bucket) => bucket),
      );
      expect(lanes.map((lane) => lane.firstPart)).toEqual(lanes.map((_, i) => firstPart + i * PARTS_PER_LANE));
      // About 2,000 devices a lane, and eight lanes at most.
      expect(lanes).toHaveLength(Math.min(8, Math.max(1, Math.ceil(devices / 2_000))));
      const sizes = lanes.map((lane) => lane.buckets.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

it('a plan for the same day is the same again, so that a retried archive writes the same files', () => {
  expect(lanesOf(9_000, 16, 300)).toEqual(lanesOf(9_000, 16, 300));
});

it('the next part comes after all that are there, whatever their order', () => {
  expect(nextPart([])).toBe(0);
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(99_999), { minLength: 1 }), (numbers) => {
      expect(nextPart(numbers.map((n) => part(n)))).toBe(Math.max(...numbers) + 1);
    }),
  );
});

it('a manifest of the same parts is the same, in whatever order they were written', () => {
  const arbitraryParts = fc
    .uniqueArray(fc.tuple(fc.nat(99_999), fc.nat(1_000)), { selector: ([n]) => n })
    .map((parts) => parts.map(([n, rows]) => part(n, rows)));
  fc.assert(
    fc.property(
      arbitraryParts.chain((parts) =>
        fc.tuple(fc.constant(parts), fc.shuffledSubarray(parts, { minLength: parts.length, maxLength: parts.length })),
      ),
      ([parts, shuffled]) => {
        const manifest = manifestOf('2026-01-31', 2, parts);
        expect(manifestOf('2026-01-31', 2, shuffled)).toEqual(manifest);
        expect(manifest.rows).toBe(parts.reduce((sum, { rows }) => sum + rows, 0));
        expect(manifest.parts.map(({ name }) => name)).toEqual(parts.map(({ name }) => name).sort());
      },
    ),
  );
});

it('files of a day lie in its partition, and engines pass over the manifest beside them', () => {
  expect(partKey('2026-01-31', partName(7))).toMatch(/\/dt=2026-01-31\/part-00007\.parquet$/);
  expect(manifestKey('2026-01-31', 12)).toMatch(/\/dt=2026-01-31\/_manifest-00012\.json$/);
});
