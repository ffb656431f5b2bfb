import { LongwatchError } from '../errors';

export const MAX_LINES = 200;
export const MAX_QUANTITY = 999;

/**
 * How a cart ended. A reminded cart in which the customer does something ends as `recovered`, and its lines go on in
 * the user's next cart: each cart has one reminder ladder and one workflow, whose next instant only ever moves away.
 */
export type Closing = 'ordered' | 'emptied' | 'merged' | 'abandoned' | 'recovered';

/** What a product was when it was put into the cart. */
export interface Snapshot {
  title: string;
  /** Minor units. */
  price: number;
  currency: string;
  /** Epoch ms. */
  addedAt: number;
}

export interface CartLine extends Snapshot {
  productId: string;
  quantity: number;
}

export interface Cart {
  userId: string;
  /** 1, 2, 3, …: each begins with its first line. */
  number: number;
  /** Moves with every change, over all carts of the user. */
  version: number;
  status: 'open' | Exclude<Closing, 'recovered'>;
  openedAt: number;
  /** Epoch ms of the last change by the customer. */
  lastActivityAt: number;
  /** In the order in which they were added. */
  lines: readonly CartLine[];
  /** Digests of the latest requests that must not count twice, with the version that each made. */
  keys: Readonly<Record<string, number>>;
  /** Steps of the ladder that are behind, and when the last reminder went out; absent before the first. */
  reminded?: { rung: number; at: number };
  /** The last checkout that was begun from this cart. */
  checkoutId?: string;
  /** How the cart before this one ended. */
  lastClosed?: { number: number; how: Closing };
  /** Where a guest's lines went. */
  merged?: { into: string; report: MergeReport };
}

export const mergePolicies = ['sum', 'max', 'keep'] as const;
export type MergePolicy = (typeof mergePolicies)[number];

export interface MergeReport {
  /** Lines of the guest that the user's cart had not, and those that both had. */
  added: number;
  combined: number;
  /** Lines whose quantity would have passed the limit. */
  clamped: { productId: string; wanted: number; kept: number }[];
}

/** What shops count. `closed` however it ended. */
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
export type CartCountName = (typeof cartCountNames)[number];
export type CartCounts = Partial<Record<CartCountName, number>>;

/** What becomes of a cart, and what must be written with it. */
export interface CartStep {
  cart: Cart;
  counts: CartCounts;
  /** A cart begins, and owes its workflow. */
  opens: boolean;
}

export type LineChange =
  | { kind: 'set'; productId: string; quantity: number }
  /** So many more, or fewer. */
  | { kind: 'add'; productId: string; quantity: number }
  | { kind: 'remove'; productId: string };

/** A request that must not count twice is known by its key. */
export interface ChangeFacts {
  userId: string;
  now: number;
  key?: string;
  /** The product as it is now; not needed to remove. */
  product?: Omit<Snapshot, 'addedAt'>;
}

/** With as many keys in the item as this, the oldest go. */
export const MAX_KEYS = 32;
const KEPT_KEYS = 8;

/** Lines that the customer finds again: an abandoned cart's, too. */
export function visibleLines(cart: Cart | undefined): readonly CartLine[] {
  return cart && (cart.status === 'open' || cart.status === 'abandoned') ? cart.lines : [];
}

/**
 * A change of one line.
 * @returns undefined when there is nothing to change.
 * @throws LongwatchError `conflict` when it would pass a limit.
 */
export function changeCart(before: Cart | undefined, change: LineChange, facts: ChangeFacts): CartStep | undefined {
  const lines = changedLines(visibleLines(before), change, facts);
  return lines && withLines(before, lines, facts);
}

/** Takes all lines out. */
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
      `The cart has ${line?.quantity ?? 0} of ${productId}; ${-change.quantity} fewer would leave none: take the ` +
        'line out instead',
    );
  if (quantity > MAX_QUANTITY)
    throw new LongwatchError(
      'conflict',
      `The cart has ${line?.quantity ?? 0} of ${productId}, ${change.quantity} more would pass the limit of ` +
        `${MAX_QUANTITY}`,
    );
  if (line) return lines.map((one) => (one === line ? { ...line, quantity } : one));
  if (!product) throw new RangeError('A new line needs its product');
  if (lines.length >= MAX_LINES)
    throw new LongwatchError('conflict', `The cart has ${MAX_LINES} lines, as many as there can be; remove one first`);
  return [...lines, { ...product, productId, quantity, addedAt: now }];
}

/** The cart with these lines, after something that the customer did. */
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

function keptKeys(keys: Cart['keys']): Cart['keys'] {
  const entries = Object.entries(keys);
  if (entries.length < MAX_KEYS) return keys;
  return Object.fromEntries(entries.sort(([, a], [, b]) => b - a).slice(0, KEPT_KEYS));
}

/** An open cart that ends. Its lines stay only where the customer may come back to them. */
export function closed(cart: Cart, how: Exclude<Closing, 'recovered'>): Pick<CartStep, 'cart' | 'counts'> {
  const isOpen = cart.status === 'open';
  // An order after a reminder is what the reminder was for.
  const recovered = how === 'ordered' && cart.reminded !== undefined;
  return {
    cart: { ...cart, version: cart.version + 1, status: how, lines: how === 'abandoned' ? cart.lines : [] },
    counts: isOpen ? { closed: 1, [how]: 1, ...(recovered && { recovered: 1 }) } : {},
  };
}

/**
 * A guest's lines in a user's cart. Where both have a line, the policy says what its quantity becomes; its snapshot
 * stays the user's.
 * @throws LongwatchError `conflict` when there would be too many lines: nothing is merged then.
 */
export function mergeCarts(
  user: Cart | undefined,
  guest: Cart,
  policy: MergePolicy,
  facts: Pick<ChangeFacts, 'userId' | 'now'>,
): { step: CartStep; guest: Cart; report: MergeReport } {
  const lines = new Map(visibleLines(user).map((line) => [line.productId, line]));
  const report: MergeReport = { added: 0, combined: 0, clamped: [] };
  for (const line of visibleLines(guest)) {
    const own = lines.get(line.productId);
    const wanted = own ? combined(policy, own.quantity, line.quantity) : line.quantity;
    const kept = Math.min(wanted, MAX_QUANTITY);
    report[own ? 'combined' : 'added'] += 1;
    if (kept < wanted) report.clamped.push({ productId: line.productId, wanted, kept });
    lines.set(line.productId, { ...(own ?? line), quantity: kept });
  }
  if (lines.size > MAX_LINES)
    throw new LongwatchError(
      'conflict',
      `Together the carts have ${lines.size} lines, and a cart has at most ${MAX_LINES}; remove ` +
        `${lines.size - MAX_LINES} first`,
    );
  const { cart, counts } = closed(guest, 'merged');
  const step = withLines(user, [...lines.values()], facts);
  return {
    step: {
      ...step,
      counts: { ...step.counts, closed: (step.counts.closed ?? 0) + (counts.closed ?? 0), merged: counts.merged ?? 0 },
    },
    guest: { ...cart, merged: { into: facts.userId, report } },
    report,
  };
}

function combined(policy: MergePolicy, own: number, guests: number): number {
  switch (policy) {
    case 'sum':
      return own + guests;
    case 'max':
      return Math.max(own, guests);
    case 'keep':
      return own;
  }
}

/**
 * The cart after its checkout became an order: what was put in meanwhile stays, in the next cart.
 * @returns undefined when the cart that was checked out has ended otherwise.
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
