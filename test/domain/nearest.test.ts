import * as fc from 'fast-check';
import { nearestName } from '../../src/domain/nearest';

it('takes a name for another’s slip only where they are close', () => {
  expect(nearestName('kitten', ['mitten', 'sitting'])).toBe('mitten');
  expect(nearestName('frod', ['longwatch-fraud', 'longwatch-feeds'], /^longwatch-/)).toBe('longwatch-fraud');
  expect(nearestName('', ['a', 'ab', 'abc'])).toBe('a');
  expect(nearestName('carts', ['sessions', 'devices'])).toBeUndefined();
});

const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), maxLength: 8 });

/** Levenshtein distance, as it is defined. */
function edits(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  if (a[0] === b[0]) return edits(a.slice(1), b.slice(1));
  return 1 + Math.min(edits(a.slice(1), b), edits(a, b.slice(1)), edits(a.slice(1), b.slice(1)));
}

it('is the first of those with the fewest edits, or nothing where they are too many', () => {
  fc.assert(
    fc.property(letters, fc.array(letters, { maxLength: 4 }), (given, known) => {
      const fewest = Math.min(...known.map((name) => edits(given, name)));
      const expected = known.find((name) => edits(given, name) === fewest);
      expect(nearestName(given, known)).toBe(fewest <= Math.max(2, given.length / 3) ? expected : undefined);
    }),
    { numRuns: 200 },
  );
});
