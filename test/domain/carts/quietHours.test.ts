import * as fc from 'fast-check';
import { afterQuiet, isQuiet, localMinutes } from '../../../src/domain/carts/quietHours';
import { formatQuietHours, parseQuietHours } from '../../../src/domain/carts/preferences';
import { arbitraryQuiet, zones } from './arbitraryQuietHours';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Over two years, so that clocks are changed in every zone. */
const arbitraryInstant = fc
  .integer({ min: Date.UTC(2025, 0, 1) / MINUTE, max: Date.UTC(2027, 0, 1) / MINUTE })
  .map((minutes) => minutes * MINUTE);

describe('quiet hours', () => {
  it('are written as they are read', () => {
    fc.assert(fc.property(arbitraryQuiet, (quiet) => expect(parseQuietHours(formatQuietHours(quiet))).toEqual(quiet)));
    expect(parseQuietHours('none')).toBeNull();
    for (const text of ['', '21:00', '24:00-08:00', '8:00-9:00', '08:00-08:00', '1:2-3:4-5:6'])
      expect(parseQuietHours(text)).toBeUndefined();
  });

  it('put an instant off to the end of the night, never into one, and never for longer than a day', () => {
    fc.assert(
      fc.property(arbitraryInstant, fc.constantFrom(...zones), arbitraryQuiet, (at, zone, quiet) => {
        const allowed = afterQuiet(at, zone, quiet);
        expect(isQuiet(allowed, zone, quiet)).toBe(false);
        expect(allowed).toBeGreaterThanOrEqual(at);
        expect(allowed - at).toBeLessThan(26 * HOUR);
        if (!isQuiet(at, zone, quiet)) expect(allowed).toBe(at);
        // Nothing between the two would have been allowed.
        else for (let t = at; t < allowed; t += 7 * MINUTE) expect(isQuiet(t, zone, quiet)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('in Berlin end at eight by the clock on the wall, on the day of summer time too', () => {
    const night = { from: 21 * 60, to: 8 * 60 };
    expect(new Date(afterQuiet(Date.UTC(2026, 2, 28, 21), 'Europe/Berlin', night)).toISOString()).toBe(
      '2026-03-29T06:00:00.000Z',
    );
    expect(new Date(afterQuiet(Date.UTC(2026, 2, 27, 21), 'Europe/Berlin', night)).toISOString()).toBe(
      '2026-03-28T07:00:00.000Z',
    );
    expect(localMinutes(Date.UTC(2026, 0, 1, 0, 30), 'Asia/Kolkata')).toBe(6 * 60);
  });
});
