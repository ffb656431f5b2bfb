import { archivableFrom, archivingOf } from '../../../src/domain/devices/retention';

const DAY_MS = 86_400_000;
const now = Date.parse('2026-11-28T12:00:00Z');
const kept = { restored: 7 };

it('a day is archived if the table has readings of it, an archived day if late ones came', () => {
  expect(archivingOf(undefined, now, kept)).toEqual({ ifAny: 'present' });
  expect(archivingOf({ state: 'archived', since: 0 }, now, kept)).toEqual({ ifAny: 'late' });
});

it('a begun deletion is completed; a day that is being restored or has expired is left alone', () => {
  expect(archivingOf({ state: 'deleting', since: now }, now, kept)).toBe(true);
  expect(archivingOf({ state: 'restoring', since: 0 }, now, kept)).toBe(false);
  expect(archivingOf({ state: 'expired', since: 0 }, now, kept)).toBe(false);
});

it('a restored day leaves the table again after the days for which restored rows are kept', () => {
  expect(archivingOf({ state: 'restored', since: now - 7 * DAY_MS }, now, kept)).toBe(false);
  expect(archivingOf({ state: 'restored', since: now - 7 * DAY_MS - 1 }, now, kept)).toBe(true);
});

it('a day may be archived when it is over and its readings had the time to arrive', () => {
  expect(archivableFrom('2026-11-27', 3_600_000)).toBe(Date.parse('2026-11-28T01:00:00Z'));
});
