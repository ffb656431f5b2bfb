import { LongwatchError } from '../errors';
import type { Cart, CartLine } from './cart';
import type { Product } from './product';
import { stockAt } from './stock';

/**
 * The statuses of a checkout. A hold is a time-limited reservation of stock.
 *   reserving   the lines need several transactions, and only some of them are held so far
 *   held        every line is held until `holdUntil`
 *   confirming, cancelling   the end of the hold needs several transactions, and only some are done
 *   confirmed   an order
 *   cancelled, expired   no line is held
 */
export const checkoutStatuses = [
  'reserving',
  'held',
  'confirming',
  'confirmed',
  'cancelling',
  'cancelled',
  'expired',
] as const;
/** One of {@link checkoutStatuses}. */
export type CheckoutStatus = (typeof checkoutStatuses)[number];

const ended: ReadonlySet<CheckoutStatus> = new Set(['confirmed', 'cancelled', 'expired']);

/** Returns whether a checkout with this recorded status has ended, so that no step of it is left. */
export const hasEnded = (status: CheckoutStatus): boolean => ended.has(status);

/** A line of a checkout, with the price of its beginning. */
export interface CheckoutLine {
  productId: string;
  title: string;
  quantity: number;
  /** Price of one item in minor units. */
  price: number;
}

/** The lines, prices and total of a checkout, which are fixed when it begins. */
export interface PricedCart {
  lines: readonly CheckoutLine[];
  currency: string;
  /** Minor units. */
  total: number;
}

/** A checkout: from the reservation of stock to the order. */
export interface Checkout extends PricedCart {
  checkoutId: string;
  userId: string;
  cartNumber: number;
  /** The version of the cart at the beginning of the checkout. */
  cartVersion: number;
  status: CheckoutStatus;
  createdAt: number;
  /** Epoch ms at which the holds expire; also the key of their quantities in each product. */
  holdUntil: number;
  /** Maximum lines in one transaction. Stored, so that another process continues with the same parts. */
  partLines: number;
  /** Number of parts to which the current status has been applied. */
  partsDone: number;
  /** Distinguishes concurrent attempts to begin a checkout under the same id. */
  attempt: string;
  paymentReference?: string;
  orderId?: string;
  endedAt?: number;
}

/** Returns the status at an instant (epoch ms). A hold expires by time, even if its row has not been updated yet. */
export function statusAt({ status, holdUntil }: Checkout, now: number): CheckoutStatus {
  return (status === 'held' || status === 'reserving') && holdUntil <= now ? 'expired' : status;
}

/**
 * Returns a cart's lines at the products' current prices.
 * @throws LongwatchError `conflict` for products that no longer exist or have different currencies,
 *   `insufficientStock` with every line that has too little stock (`members.shortages`).
 */
export function priceCart(cart: Pick<Cart, 'lines'>, products: readonly Product[], now: number): PricedCart {
  const byId = new Map(products.map((product) => [product.productId, product]));
  const pairs = cart.lines.map((line) => ({ line, product: byId.get(line.productId) }));
  const gone = pairs.filter(({ product }) => !product);
  if (gone.length > 0)
    throw fault(
      'conflict',
      'Some products no longer exist',
      gone.map(({ line }) => [line, 'no longer exists; remove it from the cart']),
    );
  const found = pairs.flatMap(({ line, product }) => (product ? [{ line, product }] : []));
  const [currency = ''] = new Set(found.map(({ product }) => product.currency));
  const other = found.filter(({ product }) => product.currency !== currency);
  if (other.length > 0)
    throw fault(
      'conflict',
      'All lines of a checkout must have the same currency',
      other.map(({ line, product }) => [
        line,
        `is in ${product.currency}, the first line in ${currency}; check out each currency separately`,
      ]),
    );
  const short = found.flatMap(({ line, product }) => {
    const available = stockAt(product.stock, now).onHand;
    return available < line.quantity ? [{ line, available }] : [];
  });
  if (short.length > 0)
    throw fault(
      'insufficientStock',
      'There is not enough stock',
      short.map(({ line, available }) => [line, `${line.quantity} requested, ${available} available`]),
      {
        shortages: short.map(({ line, available }) => ({
          productId: line.productId,
          wanted: line.quantity,
          available,
        })),
      },
    );
  const lines = found.map(({ line, product }) => ({
    productId: line.productId,
    title: product.title,
    quantity: line.quantity,
    price: product.price,
  }));
  return { lines, currency, total: lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0) };
}

/**
 * Checks that the customer saw the current total.
 * @param expected the total that the customer saw, in minor units; undefined accepts each total
 * @throws LongwatchError `conflict` if the total is another one
 */
export function mustTotal(
  { total, currency }: Pick<PricedCart, 'total' | 'currency'>,
  expected: number | undefined,
): void {
  if (expected === undefined || expected === total) return;
  throw new LongwatchError(
    'conflict',
    `The total is ${total} (${currency}, minor units), not ${expected}: prices have changed; show the customer ` +
      'the cart again',
    {
      faults: [{ field: 'expectedTotal', message: `is ${expected}, the total is ${total}` }],
    },
  );
}

function fault(
  type: 'conflict' | 'insufficientStock',
  what: string,
  lines: [CartLine, string][],
  members?: Record<string, unknown>,
): LongwatchError {
  const faults = lines.map(([{ productId }, message]) => ({ field: `lines.${productId}`, message }));
  return new LongwatchError(
    type,
    `${what}: ${faults.map(({ field, message }) => `${field.slice('lines.'.length)}: ${message}`).join('; ')}`,
    { faults, ...(members && { members }) },
  );
}
