import type { QuietHours } from './preferences';

const MINUTE = 60_000;
const DAY_MINUTES = 24 * 60;

const formats = new Map<string, Intl.DateTimeFormat>();

/** Returns minutes since local midnight. `Intl` changes with the runtime, so workflow code must not call this. */
export function localMinutes(at: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format)
    formats.set(
      timeZone,
      (format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })),
    );
  const [hours = '0', minutes = '0'] = format.format(at).split(':');
  return Number(hours) * 60 + Number(minutes);
}

/** Returns whether an instant (epoch ms) is within quiet hours. */
export function isQuiet(at: number, timeZone: string, { from, to }: QuietHours): boolean {
  const minutes = localMinutes(at, timeZone);
  return from < to ? minutes >= from && minutes < to : minutes >= from || minutes < to;
}

/** Returns the instant itself (epoch ms), or the end of the quiet hours that contain it. */
export function afterQuiet(at: number, timeZone: string, quiet: QuietHours | null): number {
  if (!quiet || !isQuiet(at, timeZone, quiet)) return at;
  const minutesTo = (instant: number) => (quiet.to - localMinutes(instant, timeZone) + DAY_MINUTES) % DAY_MINUTES;
  const end = (Math.floor(at / MINUTE) + minutesTo(at)) * MINUTE;
  // The clocks were set back in between, so the computed end is still within quiet hours.
  if (isQuiet(end, timeZone, quiet)) return afterQuiet(end, timeZone, quiet);
  // The clocks may have been set forward, so the quiet hours may have ended earlier.
  let first = Math.max(at, end - ((DAY_MINUTES - minutesTo(end)) % DAY_MINUTES) * MINUTE);
  while (isQuiet(first, timeZone, quiet)) first += MINUTE;
  return first;
}
