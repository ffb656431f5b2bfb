import { isTimeZone } from '../../src/domain/timeZones';

it.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires'])('knows %s', (name) => {
  expect(isTimeZone(name)).toBe(true);
});

it.each(['', 'Berlin', 'Europe/Atlantis'])('does not know "%s"', (name) => {
  expect(isTimeZone(name)).toBe(false);
});
