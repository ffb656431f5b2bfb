import { LongwatchError } from '../errors';
import type { IdempotencyKeys } from './idempotencyKeys';

/** Maximum number of lines of a cart. */
export const MAX_LINES = 200;
/** Maximum quantity of a line. */
export const MAX_QUANTITY = 999;

/**
 * How a cart ended. When the customer changes a cart after a reminder, that cart ends as `recovered` and its lines move
 * to the user's next cart. So each cart has one reminder ladder and one workflow, whose next instant is never moved to
 * an earlier time.
 */
export type Closing = 'ordered' | 'emptied' | 'merged' | 'abandoned' | 'recovered';

/** The product's attributes at the time it was added to the cart. */
export interface Snapshot {
  title: string;
  /** Minor units. */
  price: number;
  currency: string;
  /** Epoch ms. */
  addedAt: number;
}

/** A line of a cart. */
export interface CartLine extends Snapshot {
  productId: string;
  quantity: number;
}

/** A user's or a guest's cart. */
export interface Cart {
  userId: string;
  /** 1, 2, 3, … for each user. The first line opens a cart. */
  number: number;
  /** Incremented with every change, across all carts of the user. */
  version: number;
  status: 'open' | Exclude<Closing, 'recovered'>;
  openedAt: number;
  /** Epoch ms of the last change by the customer. */
  lastActivityAt: number;
  /** In the order in which the customer added them. */
  lines: readonly CartLine[];
  /** Digests of the latest idempotency keys, with the cart version of each request. */
  keys: IdempotencyKeys;
  /** The last reminder sent: its number in the ladder and its time (epoch ms); absent before the first. */
  reminded?: { rung: number; at: number };
  /** The latest checkout of this cart. */
  checkoutId?: string;
  /** The previous cart and how it ended. */
  lastClosed?: { number: number; how: Closing };
  /** For a guest's cart that was merged: the user, and the result. */
  merged?: { into: string; report: MergeReport };
}

/** The policies for the quantity of a line that both carts have. */
export const mergePolicies = ['sum', 'max', 'keep'] as const;
/** One of {@link mergePolicies}. */
export type MergePolicy = (typeof mergePolicies)[number];

/** The result of merging a guest's cart into a user's. */
export interface MergeReport {
  /** Number of lines that only the guest's cart had, and of those that both had. */
  added: number;
  combined: number;
  /** Lines whose quantity was reduced to the limit. */
  clamped: { productId: string; wanted: number; kept: number }[];
}

/** The counters of carts. `closed` counts every end. */
export const cartCountNames = [
  'opened',
  'closed',
  'reminded',
  'recovered',
  'abandoned',
  'ordered',
  'emptied',
  'merged',
] as const;
/** One of {@link cartCountNames}. */
export type CartCountName = (typeof cartCountNames)[number];
/** Changes of the counters. */
export type CartCounts = Partial<Record<CartCountName, number>>;

/** Returns the lines that the customer sees, including those of an abandoned cart. */
export function visibleLines(cart: Cart | undefined): readonly CartLine[] {
  return cart && (cart.status === 'open' || cart.status === 'abandoned') ? cart.lines : [];
}

/**
 * Checks that a cart has the version that the caller read.
 * @param ifVersion undefined accepts each version
 * @param next the last words of the message: what to do after another read
 * @throws LongwatchError `versionMismatch`
 */
export function mustBeVersion(
  cart: Pick<Cart, 'version'> | undefined,
  ifVersion: number | undefined,
  next: 'change it' | 'check it out',
): void {
  const version = cart?.version ?? 0;
  if (ifVersion === undefined || ifVersion === version) return;
  throw new LongwatchError(
    'versionMismatch',
    `The cart has version ${version}, not ${ifVersion}; read it again, then ${next}`,
  );
}

/** Returns whether a product has another price or currency than when it was added to the cart. */
export const isPriceChanged = (
  line: Pick<CartLine, 'price' | 'currency'>,
  product: Pick<CartLine, 'price' | 'currency'>,
): boolean => line.price !== product.price || line.currency !== product.currency;
