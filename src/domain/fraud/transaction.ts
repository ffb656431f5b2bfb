/** The channels over which a payment can be made. */
export const channels = ['card_present', 'ecommerce', 'mobile', 'atm', 'transfer'] as const;
/** One of {@link channels}. */
export type Channel = (typeof channels)[number];

/** The place of a payment. */
export interface Location {
  /** Degrees, -90 to 90. */
  latitude: number;
  /** Degrees, -180 to 180. */
  longitude: number;
  /** ISO 3166-1 alpha-2, upper case. */
  country: string;
}

/**
 * A payment as its payment system reports it. In files and streams the optional fields may be absent; HTTP requires
 * them, except `ip`.
 */
export interface Transaction {
  transactionId: string;
  userId: string;
  merchantId: string;
  /** Integer minor units of `currency` (cents of EUR, yen of JPY). */
  amount: number;
  /** ISO 4217, upper case. */
  currency: string;
  /** Epoch milliseconds. */
  timestamp: number;
  channel?: Channel;
  deviceId?: string;
  ip?: string;
  location?: Partial<Location>;
}
