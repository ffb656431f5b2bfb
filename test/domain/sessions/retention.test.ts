import * as fc from 'fast-check';
import { removeAt } from '../../../src/domain/sessions/retention';

const DAY_MS = 86_400_000;

it('an item stays for a day after the last instant at which a save can succeed, and at most a second longer', () => {
  fc.assert(
    fc.property(fc.nat(4_102_444_800_000), (absoluteExpiresAt) => {
      const kept = removeAt(absoluteExpiresAt) * 1000 - absoluteExpiresAt;
      expect(Number.isInteger(removeAt(absoluteExpiresAt))).toBe(true);
      expect(kept).toBeGreaterThanOrEqual(DAY_MS);
      expect(kept).toBeLessThan(DAY_MS + 1000);
    }),
  );
});
