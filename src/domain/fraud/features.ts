import { referenceAmount } from './euroReference';
import { fraudStreak, type MerchantProfile, merchantTotals } from './merchantProfile';
import { DAY_MS, HOUR_MS, hasSeen, MINUTE_MS, profileLimits, usualDeviation, type UserProfile } from './profile';
import { ringTotals, type Totals } from './ring';
import type { Transaction } from './transaction';

/** The definition of a feature. */
export interface FeatureDefinition {
  name: string;
  /** `EUR` means euros at fixed reference rates, comparable by order of magnitude only. */
  unit: 'EUR' | 'count' | 'ratio' | 'hours' | 'km' | 'km/h' | 'flag' | 'deviations' | 'share' | 'days';
  window: string;
  /** The meaning, as the subject of a sentence: "{description} is 9.1". */
  description: string;
}

const define = <const D extends readonly FeatureDefinition[]>(definitions: D): D => definitions;

/**
 * All features, in the order of the model's columns. An unknown value is missing: `NaN` here, an empty cell for the
 * model, never true in a rule. Windows consist of whole UTC buckets and exclude the transaction itself: "1 h" is the
 * current minute and the 59 before it, "1 d" is the current hour and the 23 before it, "n d" of more days is the
 * current day and the days before it. Windows that are "7 d late" end with the day 7 days ago. That day's labels are
 * still arriving, so only its known frauds count.
 */
export const featureDefinitions = define([
  { name: 'amount', unit: 'EUR', window: 'now', description: 'the amount' },
  {
    name: 'userCount1h',
    unit: 'count',
    window: '1 h',
    description: "the number of the user's transactions within an hour",
  },
  { name: 'userMean1h', unit: 'EUR', window: '1 h', description: "the mean of the user's amounts within an hour" },
  { name: 'userSpread1h', unit: 'EUR', window: '1 h', description: "the spread of the user's amounts within an hour" },
  {
    name: 'userCount1d',
    unit: 'count',
    window: '1 d',
    description: "the number of the user's transactions within a day",
  },
  { name: 'userMean1d', unit: 'EUR', window: '1 d', description: "the mean of the user's amounts within a day" },
  { name: 'userSpread1d', unit: 'EUR', window: '1 d', description: "the spread of the user's amounts within a day" },
  {
    name: 'userCount7d',
    unit: 'count',
    window: '7 d',
    description: "the number of the user's transactions within 7 days",
  },
  { name: 'userMean7d', unit: 'EUR', window: '7 d', description: "the mean of the user's amounts within 7 days" },
  { name: 'userSpread7d', unit: 'EUR', window: '7 d', description: "the spread of the user's amounts within 7 days" },
  {
    name: 'userCount30d',
    unit: 'count',
    window: '30 d',
    description: "the number of the user's transactions within 30 days",
  },
  { name: 'userMean30d', unit: 'EUR', window: '30 d', description: "the mean of the user's amounts within 30 days" },
  {
    name: 'userSpread30d',
    unit: 'EUR',
    window: '30 d',
    description: "the spread of the user's amounts within 30 days",
  },
  { name: 'amountOverMean30d', unit: 'ratio', window: '30 d', description: "the amount over the user's 30-day mean" },
  {
    name: 'amountOverMean',
    unit: 'ratio',
    window: 'long run',
    description: "the amount over the user's long-run mean",
  },
  {
    name: 'amountOverMedian',
    unit: 'ratio',
    window: 'last 40',
    description: "the amount over the median of the user's last 40",
  },
  {
    name: 'amountDeviations',
    unit: 'deviations',
    window: 'long run',
    description: "the amount's distance from the user's long-run mean",
  },
  {
    name: 'mean7dOverMedian',
    unit: 'ratio',
    window: '7 d, last 40',
    description: "the user's 7-day mean over the median of the last 40",
  },
  {
    name: 'highs7d',
    unit: 'count',
    window: '7 d',
    description: "the number of the user's unusually high amounts within 7 days",
  },
  {
    name: 'highs14d',
    unit: 'count',
    window: '14 d',
    description: "the number of the user's unusually high amounts within 14 days",
  },
  {
    name: 'maxHigh14d',
    unit: 'ratio',
    window: '14 d',
    description: "the highest of the user's unusually high amounts within 14 days over the long-run mean",
  },
  {
    name: 'hoursSinceHigh',
    unit: 'hours',
    window: 'last 16 highs',
    description: "the time since the user's last unusually high amount",
  },
  { name: 'night', unit: 'flag', window: 'now', description: 'night (0 to 6, solar time at the place)' },
  {
    name: 'weekend',
    unit: 'flag',
    window: 'now',
    description: 'weekend (Saturday or Sunday, solar time at the place)',
  },
  { name: 'hoursSinceLast', unit: 'hours', window: 'last', description: "the time since the user's last transaction" },
  { name: 'distanceKm', unit: 'km', window: 'last place', description: "the distance from the user's last place" },
  { name: 'speedKmh', unit: 'km/h', window: 'last place', description: "the speed implied by the user's last place" },
  { name: 'newDevice', unit: 'flag', window: 'last 8 devices', description: 'a device not seen before for this user' },
  {
    name: 'newMerchant',
    unit: 'flag',
    window: 'last 40 merchants',
    description: 'a merchant not seen before for this user',
  },
  {
    name: 'newCountry',
    unit: 'flag',
    window: 'last 6 countries',
    description: 'a country not seen before for this user',
  },
  {
    name: 'merchantCount1d',
    unit: 'count',
    window: '1 d',
    description: "the number of the merchant's transactions today",
  },
  {
    name: 'merchantCount7d',
    unit: 'count',
    window: '7 d',
    description: "the number of the merchant's transactions within 7 days",
  },
  {
    name: 'merchantFrauds7d',
    unit: 'count',
    window: '7 d, 7 d late',
    description: "the merchant's known frauds within 7 days, 7 days late",
  },
  {
    name: 'merchantFrauds28d',
    unit: 'count',
    window: '28 d, 7 d late',
    description: "the merchant's known frauds within 28 days, 7 days late",
  },
  {
    name: 'merchantFraudRate28d',
    unit: 'share',
    window: '28 d, 7 d late',
    description: "the merchant's fraud rate within 28 days, 7 days late",
  },
  {
    name: 'merchantUnexplained7d',
    unit: 'count',
    window: '7 d, 7 d late',
    description: "the merchant's known frauds of usual amount within 7 days, 7 days late",
  },
  {
    name: 'merchantUnexplained14d',
    unit: 'count',
    window: '14 d, 7 d late',
    description: "the merchant's known frauds of usual amount within 14 days, 7 days late",
  },
  {
    name: 'merchantUnexplained28d',
    unit: 'count',
    window: '28 d, 7 d late',
    description: "the merchant's known frauds of usual amount within 28 days, 7 days late",
  },
  {
    name: 'merchantUnexplainedRate14d',
    unit: 'share',
    window: '14 d, 7 d late',
    description: "the merchant's rate of frauds of usual amount within 14 days, 7 days late",
  },
  {
    name: 'merchantStreak',
    unit: 'count',
    window: '38 d, 7 d late',
    description:
      "the number of frauds of usual amount on the merchant's latest days, where they were at least half of its " +
      'payments, 7 days late',
  },
  {
    name: 'merchantStreakDays',
    unit: 'days',
    window: '38 d, 7 d late',
    description: "the age of the merchant's streak of such days",
  },
  {
    name: 'daysSinceMerchantGenuine',
    unit: 'days',
    window: '38 d, 7 d late',
    description: "the time since the merchant's last day with a payment not known as fraud, 7 days late",
  },
  { name: 'cardPresent', unit: 'flag', window: 'now', description: 'a card-present payment' },
  { name: 'ecommerce', unit: 'flag', window: 'now', description: 'an e-commerce payment' },
  { name: 'atm', unit: 'flag', window: 'now', description: 'a cash withdrawal' },
  { name: 'transfer', unit: 'flag', window: 'now', description: 'a transfer' },
]);

/** The name of a feature. */
export type FeatureName = (typeof featureDefinitions)[number]['name'];
/** The values of all features of one transaction; `NaN` where missing. */
export type Features = Readonly<Record<FeatureName, number>>;
/** The names of all features, in the order of the model's columns. */
export const featureNames: readonly FeatureName[] = featureDefinitions.map(({ name }) => name);

/** A label counts this many days after its transaction, both in serving and in training. */
export const LABEL_DELAY_DAYS = 7;
const MISSING = Number.NaN;
const DAY_MINUTES = DAY_MS / MINUTE_MS;

/**
 * Computes the features of a transaction from the profiles of its user and its merchant just before it. Pure: the time
 * is the transaction's timestamp. The result is one object literal because this function runs for every payment of a
 * replay, and merging several objects takes half as long again.
 */
export function extractFeatures(transaction: Transaction, user: UserProfile, merchant: MerchantProfile): Features {
  const { timestamp, location, channel, deviceId, merchantId } = transaction;
  const amount = referenceAmount(transaction.amount, transaction.currency);
  const { hour, day, week, month } = recentUsage(user, timestamp);
  const usual = median(user.recent);
  const highs = recentHighs(user, timestamp);
  const solarTime = solar(timestamp, location?.longitude);
  const { distanceKm, speedKmh } = travel(transaction, user);
  const { late7, late14, late28 } = lateTotals(merchant, timestamp);
  const streak = fraudStreak(merchant, timestamp, LABEL_DELAY_DAYS);
  return {
    amount,
    userCount1h: hour.count,
    userMean1h: mean(hour),
    userSpread1h: spread(hour),
    userCount1d: day.count,
    userMean1d: mean(day),
    userSpread1d: spread(day),
    userCount7d: week.count,
    userMean7d: mean(week),
    userSpread7d: spread(week),
    userCount30d: month.count,
    userMean30d: mean(month),
    userSpread30d: spread(month),
    amountOverMean30d: over(amount, mean(month)),
    amountOverMean: isKnown(user) ? over(amount, user.mean) : MISSING,
    amountOverMedian: over(amount, usual),
    amountDeviations: user.count >= 3 ? (amount - user.mean) / usualDeviation(user) : MISSING,
    mean7dOverMedian: over(mean(week), usual),
    highs7d: highs.count7d,
    highs14d: highs.count14d,
    maxHigh14d: highs.max14d,
    hoursSinceHigh: highs.hoursSinceLast,
    night: flag(hourOfDay(solarTime) < 6),
    weekend: flag(isWeekend(solarTime)),
    hoursSinceLast: user.lastAt === null ? MISSING : Math.max(0, timestamp - user.lastAt) / HOUR_MS,
    distanceKm,
    speedKmh,
    newDevice: isNew(user, user.devices, deviceId),
    newMerchant: isNew(user, user.merchants, merchantId),
    newCountry: isNew(user, user.countries, location?.country),
    merchantCount1d: merchantTotals(merchant, timestamp, 1, 0).count,
    merchantCount7d: merchantTotals(merchant, timestamp, 7, 0).count,
    merchantFrauds7d: late7.frauds,
    merchantFrauds28d: late28.frauds,
    merchantFraudRate28d: over(late28.frauds, late28.count),
    merchantUnexplained7d: late7.unexplained,
    merchantUnexplained14d: late14.unexplained,
    merchantUnexplained28d: late28.unexplained,
    merchantUnexplainedRate14d: over(late14.unexplained, late14.count),
    merchantStreak: streak.frauds,
    merchantStreakDays: streak.ageDays,
    daysSinceMerchantGenuine: streak.daysSinceGenuine,
    cardPresent: channel === undefined ? MISSING : flag(channel === 'card_present'),
    ecommerce: channel === undefined ? MISSING : flag(channel === 'ecommerce' || channel === 'mobile'),
    atm: channel === undefined ? MISSING : flag(channel === 'atm'),
    transfer: channel === undefined ? MISSING : flag(channel === 'transfer'),
  };
}

/** Returns the user's totals over the windows that end with the transaction. */
function recentUsage(user: UserProfile, timestamp: number): Record<'hour' | 'day' | 'week' | 'month', Totals> {
  const dayIndex = Math.floor(timestamp / DAY_MS);
  return {
    hour: ringTotals(user.minutes, profileLimits.minutes, Math.floor(timestamp / MINUTE_MS)),
    day: ringTotals(user.hours, profileLimits.hours, Math.floor(timestamp / HOUR_MS)),
    week: ringTotals(user.days, 7, dayIndex),
    month: ringTotals(user.days, profileLimits.days, dayIndex),
  };
}

/** Returns the figures of the user's unusually high amounts up to the transaction. */
function recentHighs({ highs }: UserProfile, timestamp: number) {
  const now = Math.floor(timestamp / MINUTE_MS);
  const last = highs.findLast(([minute]) => minute <= now);
  const within14d = highs.filter(([minute]) => minute > now - 14 * DAY_MINUTES && minute <= now);
  return {
    count7d: within14d.filter(([minute]) => minute > now - 7 * DAY_MINUTES).length,
    count14d: within14d.length,
    max14d: within14d.length > 0 ? Math.max(...within14d.map(([, overMean]) => overMean)) : MISSING,
    hoursSinceLast: last ? Math.max(0, now - last[0]) / 60 : MISSING,
  };
}

/** Returns the merchant's totals over the windows that end `LABEL_DELAY_DAYS` days ago. */
const lateTotals = (merchant: MerchantProfile, timestamp: number) => ({
  late7: merchantTotals(merchant, timestamp, 7, LABEL_DELAY_DAYS),
  late14: merchantTotals(merchant, timestamp, 14, LABEL_DELAY_DAYS),
  late28: merchantTotals(merchant, timestamp, 28, LABEL_DELAY_DAYS),
});

/** Returns 1 for a new id. Missing without an id, and for a user's first transaction, for which every id is new. */
const isNew = (user: UserProfile, seen: UserProfile['devices'], id: string | undefined): number =>
  id === undefined || !isKnown(user) ? MISSING : flag(!hasSeen(seen, id));

/** Returns the model's input row: the values in the order of `featureNames`, `NaN` where missing. */
export function featureVector(features: Features): number[] {
  return featureNames.map((name) => features[name]);
}

/**
 * Encodes the values as compact JSON in the order of `featureNames`, with null for missing ones. Values are rounded to
 * the float32 that the model uses, so a stored row has the same score again. The position identifies a feature:
 * new features must be appended, because any other change makes the stored decisions unreadable.
 */
export function featuresToJson(features: Features): string {
  return JSON.stringify(featureNames.map((name) => float32(features[name])));
}

/** Decodes the values. A feature that did not exist when the row was stored is missing. */
export function featuresFromJson(text: string): Features {
  const values = JSON.parse(text) as (number | null)[];
  return Object.fromEntries(featureNames.map((name, i) => [name, values[i] ?? MISSING])) as Features;
}

/** Rounds to float32, written with the 9 significant digits that identify every float32. */
const float32 = (value: number): number | null =>
  Number.isFinite(value) ? Number(Math.fround(value).toPrecision(9)) : null;

const isKnown = (user: UserProfile): boolean => user.count > 0;
const flag = (value: boolean): number => (value ? 1 : 0);
const mean = ({ count, sum }: Totals): number => (count > 0 ? sum / count : MISSING);
const over = (value: number, base: number): number => (base > 0 ? value / base : MISSING);

/** Population standard deviation; missing below two values. */
function spread({ count, sum, squares }: Totals): number {
  return count < 2 ? MISSING : Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
}

function median(values: readonly number[]): number {
  if (values.length === 0) return MISSING;
  const sorted = new Float64Array(values).sort();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? MISSING;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? MISSING) + upper) / 2;
}

/**
 * Returns solar time: 15 degrees of longitude are one hour. Real time zones would need a map. UTC if the place is
 * unknown.
 */
const solar = (timestamp: number, longitude = 0): number => timestamp + (longitude / 15) * HOUR_MS;
const modulo = (value: number, by: number): number => ((value % by) + by) % by;
const hourOfDay = (time: number): number => modulo(time / HOUR_MS, 24);

/** Returns whether a time is on a Saturday or Sunday; day 0 of the epoch was a Thursday. */
function isWeekend(time: number): boolean {
  const weekday = modulo(Math.floor(time / DAY_MS) + 4, 7);
  return weekday === 0 || weekday === 6;
}

function travel(
  { timestamp, location }: Transaction,
  { place }: UserProfile,
): { distanceKm: number; speedKmh: number } {
  if (!place || location?.latitude === undefined || location.longitude === undefined)
    return { distanceKm: MISSING, speedKmh: MISSING };
  const distanceKm = haversineKm(place.latitude, place.longitude, location.latitude, location.longitude);
  // Duration of at least a minute, in absolute value: payments in the same second give no infinite speed, and a payment
  // that arrives late gives no negative one.
  const hours = Math.max(Math.abs(timestamp - place.at), MINUTE_MS) / HOUR_MS;
  return { distanceKm, speedKmh: distanceKm / hours };
}

const EARTH_RADIUS_KM = 6371.0088;

/** Returns the great-circle distance in km between two places in degrees: haversine formula, IUGG mean Earth radius. */
export function haversineKm(latitude1: number, longitude1: number, latitude2: number, longitude2: number): number {
  const radians = Math.PI / 180;
  const halfLatitude = Math.sin(((latitude2 - latitude1) * radians) / 2);
  const halfLongitude = Math.sin(((longitude2 - longitude1) * radians) / 2);
  const h = halfLatitude ** 2 + Math.cos(latitude1 * radians) * Math.cos(latitude2 * radians) * halfLongitude ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}
