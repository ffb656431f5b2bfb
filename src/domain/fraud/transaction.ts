/** How the payment was made. */
export const channels = ['card_present', 'ecommerce', 'mobile', 'atm', 'transfer'] as const;
export type Channel = (typeof channels)[number];

export interface Location {
  /** Degrees, -90 to 90. */
  latitude: number;
  /** Degrees, -180 to 180. */
  longitude: number;
  /** ISO 3166-1 alpha-2, upper case. */
  country: string;
}

/** A payment as its payment system reports it. Files and streams may lack what is optional; HTTP asks for it. */
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
