import { LongwatchError } from '../errors';
import {
  type Cart,
  type CartCounts,
  type CartLine,
  type Closing,
  MAX_LINES,
  MAX_QUANTITY,
  type Snapshot,
  visibleLines,
} from './cart';
import { keptKeys } from './idempotencyKeys';

/** A cart after a change, with the counters to write. */
export interface CartStep {
  cart: Cart;
  counts: CartCounts;
  /** Whether a new cart begins, so that its workflow must be started. */
  opens: boolean;
}

/** A requested change of one line. */
export type LineChange =
  | { kind: 'set'; productId: string; quantity: number }
  /** `quantity` more, or fewer if negative. */
  | { kind: 'add'; productId: string; quantity: number }
  | { kind: 'remove'; productId: string };

/** The data of a change. An idempotency key identifies a request that must count once. */
export interface ChangeFacts {
  userId: string;
  now: number;
  key?: string;
  /** The current product; not needed to remove a line. */
  product?: Omit<Snapshot, 'addedAt'>;
}

/**
 * Changes one line.
 * @returns undefined when the change has no effect.
 * @throws LongwatchError `conflict` when a limit of the cart would be exceeded.
 */
export function changeCart(before: Cart | undefined, change: LineChange, facts: ChangeFacts): CartStep | undefined {
  const lines = changedLines(visibleLines(before), change, facts);
  return lines && withLines(before, lines, facts);
}

/** Removes all lines; returns undefined when there are none. */
export function emptyCart(before: Cart | undefined, facts: Pick<ChangeFacts, 'userId' | 'now'>): CartStep | undefined {
  return visibleLines(before).length === 0 ? undefined : withLines(before, [], facts);
}

function changedLines(
  lines: readonly CartLine[],
  change: LineChange,
  { now, product }: ChangeFacts,
): readonly CartLine[] | undefined {
  const { productId } = change;
  const line = lines.find((one) => one.productId === productId);
  if (change.kind === 'remove') return line && lines.filter((one) => one !== line);
  const quantity = change.quantity + (change.kind === 'add' ? (line?.quantity ?? 0) : 0);
  if (quantity < 1)
    throw new LongwatchError(
      'conflict',
      `The cart has ${line?.quantity ?? 0} of ${productId}; ${-change.quantity} fewer would leave none: remove ` +
        'the line instead',
    );
  if (quantity > MAX_QUANTITY)
    throw new LongwatchError(
      'conflict',
      `The cart has ${line?.quantity ?? 0} of ${productId}, ${change.quantity} more would exceed the limit of ` +
        `${MAX_QUANTITY}`,
    );
  if (line) return lines.map((one) => (one === line ? { ...line, quantity } : one));
  if (!product) throw new RangeError('A new line needs its product');
  if (lines.length >= MAX_LINES)
    throw new LongwatchError('conflict', `The cart has ${MAX_LINES} lines, the maximum; remove a line first`);
  return [...lines, { ...product, productId, quantity, addedAt: now }];
}

/** Returns the cart with these lines after an action of the customer. Opens the next cart if this one was reminded. */
export function withLines(
  before: Cart | undefined,
  lines: readonly CartLine[],
  { userId, now, key }: ChangeFacts,
): CartStep {
  const version = (before?.version ?? 0) + 1;
  const keys = { ...(before && keptKeys(before.keys)), ...(key !== undefined && { [key]: version }) };
  if (before && lines.length === 0)
    return { ...closed({ ...before, lastActivityAt: now, keys }, 'emptied'), opens: false };
  if (before?.status === 'open' && !before.reminded)
    return { cart: { ...before, version, lines, keys, lastActivityAt: now }, counts: {}, opens: false };
  const ended = before && (before.status === 'open' ? 'recovered' : before.status);
  return {
    cart: {
      userId,
      number: (before?.number ?? 0) + 1,
      version,
      status: 'open',
      openedAt: now,
      lastActivityAt: now,
      lines,
      keys,
      ...(before && ended && { lastClosed: { number: before.number, how: ended } }),
    },
    counts: { opened: 1, ...(ended === 'recovered' && { closed: 1, recovered: 1 }) },
    opens: true,
  };
}

/** Closes a cart. Only an abandoned cart keeps its lines, because the customer may return to it. */
export function closed(cart: Cart, how: Exclude<Closing, 'recovered'>): Pick<CartStep, 'cart' | 'counts'> {
  const isOpen = cart.status === 'open';
  // An order after a reminder counts as recovered.
  const recovered = how === 'ordered' && cart.reminded !== undefined;
  return {
    cart: { ...cart, version: cart.version + 1, status: how, lines: how === 'abandoned' ? cart.lines : [] },
    counts: isOpen ? { closed: 1, [how]: 1, ...(recovered && { recovered: 1 }) } : {},
  };
}

/**
 * Returns the user's cart after its checkout became an order. Lines that were added meanwhile move to the next cart.
 * @returns undefined when the cart of the checkout is no longer open.
 */
export function afterOrder(
  cart: Cart | undefined,
  cartNumber: number,
  bought: readonly { productId: string; quantity: number }[],
  now: number,
): CartStep | undefined {
  if (cart?.status !== 'open' || cart.number !== cartNumber) return undefined;
  const quantities = new Map(bought.map(({ productId, quantity }) => [productId, quantity]));
  const left = cart.lines
    .map((line) => ({ ...line, quantity: line.quantity - (quantities.get(line.productId) ?? 0) }))
    .filter(({ quantity }) => quantity > 0);
  const ordered = closed(cart, 'ordered');
  if (left.length === 0) return { ...ordered, opens: false };
  const { cart: next, counts } = withLines({ ...ordered.cart, version: cart.version }, left, {
    userId: cart.userId,
    now,
  });
  return { cart: next, counts: { ...ordered.counts, ...counts }, opens: true };
}
