import type { UserProfile } from './profile';

/**
 * The stored form of a user profile (docs/decisions/0002): compact JSON of flat lists of numbers. Every list
 * is in order of time and stores each time as the difference from the one before, so that most numbers have one to
 * five digits. Decoding returns exactly the encoded profile.
 */
const FORMAT = 2;

type Encoded = [
  format: number,
  figures: [count: number, mean: number, variance: number, lastAt: number | null],
  place: [at: number, latitude: number, longitude: number] | null,
  rings: [minutes: number[], hours: number[], days: number[]],
  recent: readonly number[],
  highs: number[],
  seen: [devices: number[], merchants: number[], countries: number[]],
];

/** Encodes a user profile. */
export function encodeUserProfile(profile: UserProfile): string {
  const { place } = profile;
  const encoded: Encoded = [
    FORMAT,
    [profile.count, profile.mean, profile.variance, profile.lastAt],
    place && [place.at, place.latitude, place.longitude],
    [flat(profile.minutes), flat(profile.hours), flat(profile.days)],
    profile.recent,
    flat(profile.highs),
    [flat(profile.devices), flat(profile.merchants), flat(profile.countries)],
  ];
  return JSON.stringify(encoded);
}

/** Decodes a user profile. @throws TypeError when the format is unknown to this release. */
export function decodeUserProfile(text: string): UserProfile {
  const [format, ...parts] = JSON.parse(text) as Encoded;
  if (format !== FORMAT)
    throw new TypeError(`A user profile of format ${format} is unknown to this code, which reads ${FORMAT}`);
  const [[count, mean, variance, lastAt], place, rings, recent, highs, seen] = parts;
  return {
    minutes: rows(rings[0], 4),
    hours: rows(rings[1], 4),
    days: rows(rings[2], 4),
    recent,
    highs: rows(highs, 2),
    devices: rows(seen[0], 2),
    merchants: rows(seen[1], 2),
    countries: rows(seen[2], 2),
    count,
    mean,
    variance,
    lastAt,
    place: place && { at: place[0], latitude: place[1], longitude: place[2] },
  };
}

/** Flattens rows whose first column is a time into one list, with differences in place of times. */
function flat(list: readonly (readonly number[])[]): number[] {
  const out: number[] = [];
  let last = 0;
  for (const [time = 0, ...rest] of list) {
    out.push(time - last, ...rest);
    last = time;
  }
  return out;
}

function rows<Row extends readonly number[]>(list: readonly number[], width: Row['length']): Row[] {
  const out: Row[] = [];
  let time = 0;
  for (let i = 0; i < list.length; i += width) {
    time += list[i] ?? 0;
    out.push([time, ...list.slice(i + 1, i + width)] as readonly number[] as Row);
  }
  return out;
}
