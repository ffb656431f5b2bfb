import { DAY_MS, HOUR_MS, MINUTE_MS } from './profile';
import { Random } from './random';
import type { Channel, Location, Transaction } from './transaction';

/** The kinds of fraud in the simulation. */
export const scenarios = [
  'stolen-card',
  'compromised-merchant',
  'account-takeover',
  'card-testing',
  'bust-out',
] as const;
/** One of {@link scenarios}. */
export type Scenario = (typeof scenarios)[number];

/** A simulated payment and its true label. */
export interface SimulatedTransaction {
  transaction: Transaction;
  fraud: boolean;
  scenario?: Scenario;
}

/** The size, the period and the seed of a simulation. */
export interface SimulationSettings {
  seed: number;
  customers: number;
  merchants: number;
  days: number;
  /** Epoch ms of the first day, UTC midnight. */
  start: number;
  /** Probability per day that a customer becomes the victim of a scenario. Default 0.0007. */
  fraudRate?: number;
  /** Prefix of all ids, so that the ids of two runs differ. */
  prefix?: string;
}

interface Place extends Location {
  name: string;
}

const places: readonly Place[] = [
  { name: 'Berlin', latitude: 52.52, longitude: 13.4, country: 'DE' },
  { name: 'Paris', latitude: 48.86, longitude: 2.35, country: 'FR' },
  { name: 'Madrid', latitude: 40.42, longitude: -3.7, country: 'ES' },
  { name: 'Rome', latitude: 41.9, longitude: 12.5, country: 'IT' },
  { name: 'Vienna', latitude: 48.21, longitude: 16.37, country: 'AT' },
  { name: 'Lisbon', latitude: 38.72, longitude: -9.14, country: 'PT' },
  { name: 'Dublin', latitude: 53.35, longitude: -6.26, country: 'IE' },
  { name: 'Helsinki', latitude: 60.17, longitude: 24.94, country: 'FI' },
];
const faraway: readonly Place[] = [
  { name: 'Lagos', latitude: 6.52, longitude: 3.38, country: 'NG' },
  { name: 'Manila', latitude: 14.6, longitude: 120.98, country: 'PH' },
  { name: 'São Paulo', latitude: -23.55, longitude: -46.63, country: 'BR' },
  { name: 'Miami', latitude: 25.76, longitude: -80.19, country: 'US' },
  { name: 'Kyiv', latitude: 50.45, longitude: 30.52, country: 'UA' },
];

const FARTHEST_EAST_MS = 12 * HOUR_MS;

interface Customer {
  id: string;
  home: Place;
  /** Median amount in minor units, and the standard deviation of the amounts' logarithm. */
  median: number;
  sigma: number;
  perDay: number;
  /** The customer's first day: new customers join during the whole period. */
  joins: number;
  devices: string[];
  favourites: number[];
  away?: { place: Place; until: number };
  victim?: Victim;
}

/** A fraud scenario that lasts one or more days. */
interface Victim {
  scenario: Scenario;
  daysLeft: number;
  device: string;
  place: Place;
  /** Number of completed days of the scenario. */
  day: number;
}

interface Draft {
  at: number;
  customer: Customer;
  merchant: number;
  amount: number;
  channel: Channel;
  device: string;
  place: Place;
  scenario?: Scenario;
}

/**
 * Generates the payments of a population with habits, journeys and new devices, and frauds of several scenarios among
 * them, in order of time. The same settings give the same transactions on every machine.
 */
export function* simulate(settings: SimulationSettings): Generator<SimulatedTransaction> {
  const random = new Random(settings.seed);
  const prefix = settings.prefix ?? '';
  const customers = Array.from({ length: settings.customers }, (_, i) =>
    newCustomer(random, `${prefix}user-${i}`, settings),
  );
  const fraudRate = settings.fraudRate ?? 0.0007;
  const compromised = new Map<number, number>();
  let serial = 0;
  let waiting: Draft[] = [];
  for (let day = 0; day < settings.days; day++) {
    const midnight = settings.start + day * DAY_MS;
    if (random.chance(fraudRate * settings.merchants * 0.25))
      compromised.set(random.integer(0, settings.merchants - 1), day + random.integer(10, 28));
    const drafts: Draft[] = [];
    for (const customer of customers) {
      if (day < customer.joins) continue;
      drafts.push(...usualDay(random, customer, midnight, settings));
      if (!customer.victim && random.chance(fraudRate)) customer.victim = newVictim(random, customer);
      if (customer.victim) drafts.push(...fraudDay(random, customer, midnight, settings));
    }
    for (const draft of drafts)
      if (!draft.scenario && day < (compromised.get(draft.merchant) ?? -1) && random.chance(0.4)) {
        draft.scenario = 'compromised-merchant';
        draft.amount = Math.round(draft.amount * random.between(1, 2.5));
      }
    // In eastern places the next day begins before this day ends in UTC, so drafts that a payment of the next day may
    // precede wait.
    const settled = day === settings.days - 1 ? Number.POSITIVE_INFINITY : midnight + DAY_MS - FARTHEST_EAST_MS;
    waiting = [...waiting, ...drafts].sort((a, b) => a.at - b.at);
    const ready = waiting.findIndex(({ at }) => at >= settled);
    for (const draft of waiting.splice(0, ready < 0 ? waiting.length : ready))
      yield finished(draft, `${prefix}tx-${settings.seed}-${serial++}`, prefix);
  }
}

function newCustomer(random: Random, id: string, settings: SimulationSettings): Customer {
  return {
    id,
    home: random.pick(places),
    median: Math.round(random.logNormal(2500, 0.7)),
    sigma: random.between(0.3, 0.8),
    perDay: random.between(0.3, 3),
    joins: random.chance(0.4) ? 0 : random.integer(0, settings.days - 1),
    devices: Array.from({ length: random.integer(1, 3) }, (_, i) => `${id}-device-${i}`),
    favourites: Array.from({ length: random.integer(4, 14) }, () => random.integer(0, settings.merchants - 1)),
  };
}

/** Returns a local time of day in ms: mostly waking hours, a few at night. */
function timeOfDay(random: Random): number {
  const hour = random.chance(0.06) ? random.between(0, 6) : 14.5 + 4 * random.normal();
  return Math.min(23.99, Math.max(0, hour)) * HOUR_MS;
}

/** Returns the UTC time of a local time of day at a place. */
const local = (midnight: number, time: number, place: Place): number =>
  midnight + time - (place.longitude / 15) * HOUR_MS;

const pickChannel = (random: Random): Channel =>
  random.chance(0.45)
    ? 'card_present'
    : random.chance(0.6)
      ? 'ecommerce'
      : random.chance(0.6)
        ? 'mobile'
        : random.chance(0.6)
          ? 'atm'
          : 'transfer';

function usualDay(random: Random, customer: Customer, midnight: number, settings: SimulationSettings): Draft[] {
  if (customer.away && customer.away.until < midnight) delete customer.away;
  if (!customer.away && random.chance(0.006))
    customer.away = {
      place: random.chance(0.15) ? random.pick(faraway) : random.pick(places),
      until: midnight + random.integer(2, 10) * DAY_MS,
    };
  if (random.chance(0.004)) customer.devices.push(`${customer.id}-device-${customer.devices.length}`);
  const place = customer.away?.place ?? customer.home;
  return Array.from({ length: random.poisson(customer.perDay) }, () => ({
    at: local(midnight, timeOfDay(random), place) + random.integer(0, MINUTE_MS),
    customer,
    merchant: random.chance(customer.away ? 0.3 : 0.85)
      ? random.pick(customer.favourites)
      : random.integer(0, settings.merchants - 1),
    // A small share of large amounts: a refrigerator, a flight.
    amount: Math.max(
      50,
      Math.round(
        random.logNormal(customer.median, customer.sigma) * (random.chance(0.012) ? random.between(4, 12) : 1),
      ),
    ),
    channel: pickChannel(random),
    device: random.pick(customer.devices),
    place,
  }));
}

function newVictim(random: Random, customer: Customer): Victim {
  const scenario = random.pick(['stolen-card', 'account-takeover', 'card-testing', 'bust-out'] as const);
  const days = {
    'stolen-card': random.integer(1, 4),
    'account-takeover': random.integer(1, 2),
    'card-testing': 1,
    'bust-out': random.integer(3, 7),
  };
  return {
    scenario,
    daysLeft: days[scenario],
    day: 0,
    device: random.chance(0.6) ? `${customer.id}-x${random.integer(100, 999)}` : random.pick(customer.devices),
    place: random.chance(0.5) ? random.pick(faraway) : random.pick(places),
  };
}

/** Returns the frauds of one day on a victim. After its last day the scenario ends. */
function fraudDay(random: Random, customer: Customer, midnight: number, settings: SimulationSettings): Draft[] {
  const { victim } = customer;
  if (!victim) return [];
  const begin = midnight + random.between(0, DAY_MS - 2 * HOUR_MS);
  const drafts = fraudsOf[victim.scenario]({
    random,
    customer,
    victim,
    begin,
    anyMerchant: () => random.integer(0, settings.merchants - 1),
    amount: (low, high) => Math.round(customer.median * random.between(low, high)),
    draft: (over) => ({
      at: midnight + random.between(0, DAY_MS - 1),
      customer,
      merchant: random.integer(0, settings.merchants - 1),
      amount: customer.median,
      channel: 'ecommerce',
      device: victim.device,
      place: customer.home,
      scenario: victim.scenario,
      ...over,
    }),
  });
  victim.day++;
  if (--victim.daysLeft <= 0) delete customer.victim;
  return drafts;
}

/** A victim's day, the input of a scenario. */
interface FraudDay {
  random: Random;
  customer: Customer;
  victim: Victim;
  /** Epoch ms at which a series of payments begins, at least two hours before midnight UTC. */
  begin: number;
  anyMerchant(): number;
  /** Returns an amount between two multiples of the customer's median. */
  amount(low: number, high: number): number;
  /** Returns a payment at a random time and merchant of the day, changed by `over`. */
  draft(over: Partial<Draft>): Draft;
}

/**
 * The payments of each scenario. The order of the random draws must not change, because it determines the result of a
 * seed.
 */
const fraudsOf: Readonly<Record<Scenario, (day: FraudDay) => Draft[]>> = {
  'stolen-card': ({ random, customer, victim, amount, draft }) =>
    times(random.integer(2, 5), () =>
      draft({
        amount: amount(2.5, 7),
        channel: random.chance(0.5) ? 'card_present' : 'ecommerce',
        place: random.chance(0.5) ? victim.place : customer.home,
      }),
    ),

  'account-takeover'({ random, customer, victim, begin, amount, draft }) {
    const device = `${customer.id}-x${random.integer(1000, 9999)}`;
    return times(random.integer(1, 4), (i) =>
      draft({
        at: begin + i * random.between(2, 20) * MINUTE_MS,
        amount: amount(3, 14),
        channel: random.chance(0.5) ? 'transfer' : 'mobile',
        device,
        place: victim.place,
      }),
    );
  },

  'card-testing'({ random, begin, anyMerchant, amount, draft }) {
    const merchant = anyMerchant();
    const tries = times(random.integer(4, 12), (i) =>
      draft({ at: begin + i * random.between(20, 90) * 1000, amount: random.integer(50, 300), merchant }),
    );
    return [...tries, draft({ at: begin + 30 * MINUTE_MS, amount: amount(4, 12) })];
  },

  'bust-out': ({ random, customer, victim, amount, draft }) =>
    times(random.integer(2, 6), () =>
      draft({ amount: amount(1.5 + victim.day, 4 + 1.5 * victim.day), device: customer.devices[0] ?? victim.device }),
    ),

  // `simulate` turns usual payments at a compromised merchant into these frauds.
  'compromised-merchant': () => [],
};

const times = (count: number, make: (i: number) => Draft): Draft[] => Array.from({ length: count }, (_, i) => make(i));

function finished(draft: Draft, transactionId: string, prefix: string): SimulatedTransaction {
  const { name: _name, ...location } = draft.place;
  return {
    transaction: {
      transactionId,
      userId: draft.customer.id,
      merchantId: `${prefix}shop-${draft.merchant}`,
      amount: draft.amount,
      currency: 'EUR',
      timestamp: Math.round(draft.at),
      channel: draft.channel,
      deviceId: draft.device,
      location,
    },
    fraud: draft.scenario !== undefined,
    ...(draft.scenario && { scenario: draft.scenario }),
  };
}
