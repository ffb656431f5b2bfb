import { LongwatchError } from '../errors';
import type { Cart, CartLine } from './cart';
import type { Product } from './product';
import { stockAt } from './stock';

/**
 * Where a checkout stands.
 *   reserving   more lines than one transaction takes: some parts are held, and others not yet
 *   held        every line is held, until `holdUntil`
 *   confirming, cancelling   the same for its end
 *   confirmed   an order
 *   cancelled, expired   nothing is held
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
export type CheckoutStatus = (typeof checkoutStatuses)[number];

export interface FrozenLine {
  productId: string;
  title: string;
  quantity: number;
  /** Of one, minor units. */
  price: number;
}

/** What a checkout sells: fixed when it begins. */
export interface Frozen {
  lines: readonly FrozenLine[];
  currency: string;
  /** Minor units. */
  total: number;
}

export interface Checkout extends Frozen {
  checkoutId: string;
  userId: string;
  cartNumber: number;
  /** The cart's version that was checked out. */
  cartVersion: number;
  status: CheckoutStatus;
  createdAt: number;
  /** Epoch ms; also the key under which each product keeps what is held. */
  holdUntil: number;
  /** How many lines one transaction takes; kept, so that whoever goes on cuts the same parts. */
  partLines: number;
  /** Parts of the lines that the status has been applied to. */
  partsDone: number;
  /** Tells two attempts at one id apart while they reserve. */
  attempt: string;
  paymentReference?: string;
  orderId?: string;
  endedAt?: number;
}

/** TransactWriteItems takes 100 items; some are the checkout's, the cart's and the ledger's. */
export const PART_LINES = 90;

export function partsOf({ lines, partLines }: Pick<Checkout, 'lines' | 'partLines'>): FrozenLine[][] {
  const parts: FrozenLine[][] = [];
  for (let from = 0; from < lines.length; from += partLines) parts.push(lines.slice(from, from + partLines));
  return parts;
}

/** The status at an instant: time ends a hold, whether or not that is written down yet. */
export function statusAt({ status, holdUntil }: Checkout, now: number): CheckoutStatus {
  return (status === 'held' || status === 'reserving') && holdUntil <= now ? 'expired' : status;
}

/**
 * The lines at the products' current prices.
 * @throws LongwatchError `conflict` for products that are gone or currencies that differ, `insufficientStock` naming
 *   every line that is short.
 */
export function freeze(cart: Pick<Cart, 'lines'>, products: readonly Product[], now: number): Frozen {
  const byId = new Map(products.map((product) => [product.productId, product]));
  const pairs = cart.lines.map((line) => ({ line, product: byId.get(line.productId) }));
  const gone = pairs.filter(({ product }) => !product);
  if (gone.length > 0)
    throw fault(
      'conflict',
      'Some products are no longer there',
      gone.map(({ line }) => [line, 'is no longer there; remove it from the cart']),
    );
  const found = pairs.flatMap(({ line, product }) => (product ? [{ line, product }] : []));
  const [currency = ''] = new Set(found.map(({ product }) => product.currency));
  const other = found.filter(({ product }) => product.currency !== currency);
  if (other.length > 0)
    throw fault(
      'conflict',
      'A checkout is in one currency',
      other.map(({ line, product }) => [
        line,
        `is in ${product.currency}, the first line in ${currency}; check them out one currency after the other`,
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
      short.map(({ line, available }) => [line, `${line.quantity} wanted, ${available} available`]),
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
