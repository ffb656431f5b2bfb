import { createHash, randomUUID } from 'node:crypto';
import { mustBeVersion } from '../../domain/carts/cart';
import { afterOrder } from '../../domain/carts/cartChanges';
import {
  type Checkout,
  type CheckoutStatus,
  hasEnded,
  mustTotal,
  priceCart,
  type PricedCart,
  type CheckoutLine,
  statusAt,
} from '../../domain/carts/checkout';
import { PART_LINES, partsOf } from '../../domain/carts/checkoutParts';
import type { Product } from '../../domain/carts/product';
import { holdEnd } from '../../domain/carts/holds';
import { isLongwatchError, LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import { startEntry } from '../../domain/platform/outbox';
import type { CartStore } from '../../stores/carts/carts';
import type { CheckoutMove, CheckoutStore } from '../../stores/carts/checkouts';
import type { ProductStore } from '../../stores/carts/products';
import type { RefundStore } from '../../stores/carts/refunds';
import type { Db } from '../../stores/dynamodb';
import type { TransactItem } from '../../stores/platform/outbox';
import { type Again, again, againAtOnce, retry } from '../../timing/retry';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { transact } from '../../stores/transact';
import { checkoutStart } from '../../domain/carts/workflows';
import type { Carts } from './carts';
import { ATTEMPTS, busy } from './contention';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link Checkouts} needs. */
export interface CheckoutParts {
  checkouts: CheckoutStore;
  refunds: RefundStore;
  products: ProductStore;
  cartStore: CartStore;
  carts: Pick<Carts, 'itemsOf'>;
  outbox: OutboxWriter;
  db: Db;
  /**
   * Called after a checkout holds its lines or ends, and for each refund that is due. `short`: a line has too little
   * stock.
   */
  onCheckout?(what: 'held' | 'confirmed' | 'cancelled' | 'expired' | 'short' | 'refund-due'): void;
  clock?: Clock;
}

/** The settings of {@link Checkouts}. */
export interface CheckoutSettings {
  /** Duration of a hold, in milliseconds. */
  holdMs: number;
  /** Lines in one transaction. Default: as many as fit. Tests set fewer. */
  partLines?: number;
}

/** A request to begin a checkout. */
export interface CheckoutRequest {
  /** Idempotency key of the checkout: repeated requests have the same id. Default: a new id. */
  checkoutId?: string;
  /** The total that the customer saw, in minor units. */
  expectedTotal?: number;
  /** The cart's version that the customer saw. */
  ifVersion?: number;
}

/** An attempt that still does not hold every line after this time has died. */
const RESERVING_MS = 5_000;

/**
 * Holds stock (a time-limited reservation), sells it, and releases it. The lines of one transaction change all or
 * nothing. A larger checkout is written in parts. Its status between the parts records the progress, so that any
 * process can continue or undo it. A hold is a lease on the product's own item: it expires by time, even if no process
 * records that.
 */
export class Checkouts {
  private readonly clock: Clock;

  constructor(
    private readonly parts: CheckoutParts,
    private readonly settings: CheckoutSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Holds every line of the user's cart, or none. If the cart has a checkout that still holds the same version of the
   * cart, returns that checkout.
   * @returns the checkout, and whether this call began it
   * @throws LongwatchError `insufficientStock` (names each line that is short), `conflict` (nothing to check out, the
   *   cart is being paid, or another total than expected), `versionMismatch`
   */
  async begin(userId: string, request: CheckoutRequest): Promise<{ checkout: Checkout; begun: boolean }> {
    return retry({ attempts: ATTEMPTS, exhausted: () => busy('The products of this cart are') }, async () => {
      const earlier =
        request.checkoutId === undefined ? undefined : await this.parts.checkouts.find(request.checkoutId);
      if (earlier && earlier.userId !== userId)
        throw new LongwatchError(
          'conflict',
          `Checkout ${earlier.checkoutId} belongs to another user; use another checkoutId`,
        );
      if (earlier && earlier.status !== 'reserving') return { checkout: earlier, begun: false };
      if (earlier && this.clock.now() - earlier.createdAt > RESERVING_MS) await this.forget(earlier);
      return (earlier ? undefined : await this.attempt(userId, request)) ?? again;
    });
  }

  private async attempt(
    userId: string,
    { checkoutId, expectedTotal, ifVersion }: CheckoutRequest,
  ): Promise<{ checkout: Checkout; begun: boolean } | undefined> {
    const cart = await this.parts.cartStore.read(userId);
    if (cart?.status !== 'open')
      throw new LongwatchError('conflict', `The cart of ${userId} is empty; add a product first`);
    // The DynamoDB client drops lines with the product id `__proto__`, which an earlier release accepted. Such a cart
    // is open and seems to have no lines.
    if (cart.lines.length === 0)
      throw new LongwatchError(
        'conflict',
        `The cart of ${userId} has no product that can be sold; add a product first`,
      );
    mustBeVersion(cart, ifVersion, 'check it out');
    const open = cart.checkoutId === undefined ? undefined : await this.parts.checkouts.find(cart.checkoutId);
    if (open && statusAt(open, this.clock.now()) === 'held' && open.cartVersion === cart.version) {
      mustTotal(open, expectedTotal);
      return { checkout: open, begun: false };
    }
    if (open?.status === 'confirming')
      throw new LongwatchError('conflict', `Checkout ${open.checkoutId} of this cart is being confirmed`);
    // The customer has changed the cart, so the earlier checkout's holds are not needed any more.
    if (open?.status === 'held' || open?.status === 'cancelling') await this.cancel(open.checkoutId);
    const products = await this.parts.products.read(
      cart.lines.map(({ productId }) => productId),
      { consistent: true },
    );
    const now = this.clock.now();
    let frozen: PricedCart;
    try {
      frozen = priceCart(cart, products, now);
    } catch (error) {
      if (isLongwatchError(error, 'insufficientStock')) this.parts.onCheckout?.('short');
      throw error;
    }
    mustTotal(frozen, expectedTotal);
    const partLines = this.settings.partLines ?? PART_LINES;
    const checkout: Checkout = {
      ...frozen,
      checkoutId: checkoutId ?? `co-${randomUUID()}`,
      userId,
      cartNumber: cart.number,
      cartVersion: cart.version,
      status: 'held',
      createdAt: now,
      holdUntil: holdEnd(now, this.settings.holdMs),
      partLines,
      partsDone: Math.ceil(frozen.lines.length / partLines),
      attempt: randomUUID(),
    };
    return (await this.reserve(checkout, products, this.parts.cartStore.checkingOut(cart, checkout.checkoutId)))
      ? { checkout, begun: true }
      : undefined;
  }

  /**
   * Holds the lines, part by part.
   * @returns false if another writer was faster; then nothing is held
   */
  private async reserve(checkout: Checkout, products: readonly Product[], markCart: TransactItem): Promise<boolean> {
    const { checkouts, outbox } = this.parts;
    const start = startEntry(checkoutStart(checkout), checkout.createdAt);
    const byId = new Map(products.map((product) => [product.productId, product]));
    const parts = partsOf(checkout);
    for (const [i, part] of parts.entries()) {
      const last = i === parts.length - 1;
      const status: CheckoutStatus = last ? 'held' : 'reserving';
      const header =
        i === 0
          ? checkouts.beginning({ ...checkout, status, partsDone: 1 })
          : checkouts.moving(checkout, { from: 'reserving', fromParts: i, to: status, toParts: i + 1 });
      const cancelled = await transact(this.parts.db, {
        checkout: header,
        lines: part.map(({ productId, quantity }) =>
          this.parts.products.holding(productOf(byId, productId), quantity, checkout.holdUntil, checkout.createdAt),
        ),
        ...(i === 0 && { cart: markCart }),
        // Record the workflow's start with the last part. If an attempt dies before that, its holds expire by time.
        ...(last && { start: outbox.recording(start) }),
      });
      if (!cancelled) continue;
      if (i > 0) await this.forget({ ...checkout, status: 'reserving', partsDone: i });
      return false;
    }
    outbox.dispatchSoon(start);
    this.parts.onCheckout?.('held');
    return true;
  }

  /** Undoes an attempt that could not hold every line, and deletes its checkout. */
  private async forget(checkout: Checkout): Promise<void> {
    const parts = partsOf(checkout);
    let { partsDone } = checkout;
    if (partsDone === 0) return;
    await retry({ attempts: ATTEMPTS, exhausted: () => busy(`Checkout ${checkout.checkoutId} is`) }, async () => {
      const lines = parts[partsDone - 1] ?? [];
      const header =
        partsDone === 1
          ? this.parts.checkouts.forgetting(checkout, 1)
          : this.parts.checkouts.moving(checkout, {
              from: 'reserving',
              fromParts: partsDone,
              to: 'reserving',
              toParts: partsDone - 1,
            });
      const cancelled = await transact(this.parts.db, {
        checkout: header,
        lines: lines.map((line) => this.parts.products.returning(line, checkout.holdUntil)),
      });
      if (!cancelled) {
        partsDone -= 1;
        return partsDone > 0 ? againAtOnce : undefined;
      }
      if (cancelled.lost.has('checkout')) return undefined; // Another process undoes it.
      if (!cancelled.lost.has('lines')) return again;
      // The holds have expired meanwhile, so their stock counts as free already.
      await this.returnExpiredStock(checkout);
      await transact(this.parts.db, { checkout: this.parts.checkouts.forgetting(checkout, partsDone) });
      return undefined;
    });
  }

  /**
   * Turns a hold into an order, once per payment.
   * @throws LongwatchError `refundDue` if the payment cannot get an order any more (the refund is recorded), `conflict`
   *   (not every line is held yet), `notFound`
   */
  async confirm(checkoutId: string, paymentReference: string): Promise<Checkout> {
    return retry({ attempts: ATTEMPTS, exhausted: () => busy(`Checkout ${checkoutId} is`) }, async (attempt) => {
      const checkout = await this.mustFind(checkoutId);
      const { status } = checkout;
      const now = this.clock.now();
      const isOver = statusAt(checkout, now) === 'expired';
      if (status === 'confirmed' && checkout.paymentReference === paymentReference) return checkout;
      if (status === 'confirmed')
        throw await this.refundDue(
          checkout,
          paymentReference,
          `Checkout ${checkoutId} was confirmed before with payment ${checkout.paymentReference}`,
        );
      if (status === 'reserving' && !isOver)
        throw new LongwatchError(
          'conflict',
          `Checkout ${checkoutId} does not hold all of its lines yet; begin it again`,
        );
      if (status !== 'held' && status !== 'confirming')
        throw await this.refundDue(
          checkout,
          paymentReference,
          isOver
            ? `The hold of checkout ${checkoutId} expired at ${iso(checkout.holdUntil)} and its stock was released`
            : `Checkout ${checkoutId} was cancelled and its stock was released`,
        );
      // Record the expiry before the answer. Race: another request with the same payment may have read the clock before
      // the hold expired, and may be selling now.
      if (isOver) await this.expire(checkout, now);
      else {
        const sold = await this.sell(checkout, checkout.paymentReference ?? paymentReference);
        if (sold?.paymentReference === paymentReference) return sold;
      }
      return stepped(attempt);
    });
  }

  /**
   * Sells the parts that are not sold yet.
   * @returns the order; undefined if another writer or the expiry interfered, which the next read of the checkout shows
   */
  private async sell(checkout: Checkout, paymentReference: string): Promise<Checkout | undefined> {
    const parts = partsOf(checkout);
    const done = checkout.status === 'confirming' ? checkout.partsDone : 0;
    // A failed sale has returned all parts, and its process died before it recorded the end.
    if (checkout.status === 'confirming' && done === 0) return void (await this.loseSale(checkout, 0));
    for (let i = done; i < parts.length; i++) {
      const last = i === parts.length - 1;
      const now = this.clock.now();
      const move: CheckoutMove = {
        ...(i === 0 ? { from: 'held', fromParts: parts.length, heldAt: now } : { from: 'confirming', fromParts: i }),
        to: last ? 'confirmed' : 'confirming',
        toParts: i + 1,
        paymentReference,
        ...(last && { orderId: orderIdOf(checkout), endedAt: now }),
      };
      const lines = parts[i] ?? [];
      const order = last
        ? await this.orderItems(checkout, paymentReference, now)
        : { items: [], onWritten: () => undefined };
      const cancelled = await transact(this.parts.db, {
        checkout: this.parts.checkouts.moving(checkout, move),
        lines: lines.map((line) => this.parts.products.selling(line, checkout.holdUntil)),
        order: order.items,
      });
      if (!cancelled) {
        order.onWritten();
        if (!last) continue;
        this.parts.onCheckout?.('confirmed');
        return {
          ...checkout,
          paymentReference,
          status: 'confirmed',
          partsDone: parts.length,
          orderId: orderIdOf(checkout),
          endedAt: now,
        };
      }
      const { lost } = cancelled;
      if (lost.has('lines') && !lost.has('checkout')) await this.loseSale({ ...checkout, paymentReference }, i);
      return undefined;
    }
    return undefined;
  }

  /** Returns the items that write the order and remove the bought lines from the customer's cart. */
  private async orderItems(
    checkout: Checkout,
    paymentReference: string,
    now: number,
  ): Promise<{ items: TransactItem[]; onWritten(): void }> {
    const { checkoutId, userId, cartNumber, lines, currency, total } = checkout;
    const cart = await this.parts.cartStore.read(userId);
    const step = afterOrder(cart, cartNumber, lines, now);
    const closing = step ? this.parts.carts.itemsOf(cart, step) : { items: [], onWritten: () => undefined };
    const order = this.parts.checkouts.ordering({
      orderId: orderIdOf(checkout),
      checkoutId,
      userId,
      paymentReference,
      lines,
      currency,
      total,
      confirmedAt: now,
    });
    return { items: [order, ...closing.items], onWritten: closing.onWritten };
  }

  /** Undoes a sale whose hold expired between two parts: returns the sold parts to the stock and ends the checkout. */
  private async loseSale(checkout: Checkout, sold: number): Promise<void> {
    const parts = partsOf(checkout);
    // If a part cannot be returned, another process has changed the checkout and returns the rest.
    for (let left = sold; left > 0; left--) if (!(await this.unsell(checkout, left, parts[left - 1] ?? []))) return;
    await this.returnExpiredStock(checkout);
    await this.end(
      checkout,
      sold > 0 || checkout.status === 'confirming'
        ? { from: 'confirming', fromParts: 0 }
        : { from: 'held', fromParts: parts.length },
      'expired',
    );
  }

  /**
   * Returns the last of `left` sold parts to the stock.
   * @returns false if another process has changed the checkout
   */
  private unsell(checkout: Checkout, left: number, lines: readonly CheckoutLine[]): Promise<boolean> {
    const move: CheckoutMove = { from: 'confirming', fromParts: left, to: 'confirming', toParts: left - 1 };
    return retry({ attempts: ATTEMPTS, exhausted: () => busy(`Checkout ${checkout.checkoutId} is`) }, async () => {
      const cancelled = await transact(this.parts.db, {
        checkout: this.parts.checkouts.moving(checkout, move),
        lines: lines.map((line) => this.parts.products.unselling(line)),
      });
      if (!cancelled) return true;
      return cancelled.lost.has('checkout') ? false : again;
    });
  }

  /**
   * Releases the holds of a checkout. If it is cancelled or expired already, changes nothing.
   * @throws LongwatchError `conflict` if the checkout is confirmed or being confirmed, `notFound`
   */
  async cancel(checkoutId: string): Promise<Checkout> {
    return retry({ attempts: ATTEMPTS, exhausted: () => busy(`Checkout ${checkoutId} is`) }, async (attempt) => {
      const checkout = await this.mustFind(checkoutId);
      const status = statusAt(checkout, this.clock.now());
      if (status === 'cancelled' || status === 'expired') return checkout;
      if (status === 'confirmed' || status === 'confirming')
        throw new LongwatchError(
          'conflict',
          `Checkout ${checkoutId} is an order` +
            `${checkout.orderId === undefined ? ' about to be' : ` (${checkout.orderId})`}; ` +
            'it cannot be cancelled any more',
        );
      if (status === 'reserving') await this.forget(checkout);
      else await this.giveBack(checkout);
      return stepped(attempt);
    });
  }

  private async giveBack(checkout: Checkout): Promise<void> {
    const parts = partsOf(checkout);
    for (let i = checkout.status === 'cancelling' ? checkout.partsDone : 0; i < parts.length; i++) {
      const last = i === parts.length - 1;
      const from: Pick<CheckoutMove, 'from' | 'fromParts'> =
        i === 0 ? { from: 'held', fromParts: parts.length } : { from: 'cancelling', fromParts: i };
      const move: CheckoutMove = {
        ...from,
        to: last ? 'cancelled' : 'cancelling',
        toParts: i + 1,
        ...(last && { endedAt: this.clock.now() }),
      };
      const lines = parts[i] ?? [];
      const cancelled = await transact(this.parts.db, {
        checkout: this.parts.checkouts.moving(checkout, move),
        lines: lines.map((line) => this.parts.products.returning(line, checkout.holdUntil)),
      });
      if (!cancelled) {
        if (last) this.parts.onCheckout?.('cancelled');
        continue;
      }
      if (cancelled.lost.has('checkout') || !cancelled.lost.has('lines')) return;
      // The holds have expired meanwhile, so the rest of the stock counts as free already.
      await this.returnExpiredStock(checkout);
      return this.end(checkout, from, i === 0 ? 'expired' : 'cancelled');
    }
  }

  /**
   * Brings a checkout to its end after its hold expired: finishes a step that another process left unfinished, and
   * records the expiry of a hold that nobody confirmed. The checkout's workflow calls this.
   * @param now epoch ms
   * @returns the checkout when it has ended or is still held; undefined if it does not exist
   */
  async finish(checkoutId: string, now: number): Promise<Checkout | undefined> {
    return retry({ attempts: ATTEMPTS, exhausted: () => busy(`Checkout ${checkoutId} is`) }, async (attempt) => {
      const checkout = await this.parts.checkouts.find(checkoutId);
      if (!checkout) return undefined;
      const { status, holdUntil, paymentReference } = checkout;
      if (hasEnded(status) || (status === 'held' && holdUntil > now)) return checkout;
      if (status === 'confirming') await this.sell(checkout, paymentReference ?? '');
      else if (status === 'cancelling') await this.giveBack(checkout);
      else if (status === 'reserving') await this.forget(checkout);
      else await this.expire(checkout, now);
      return stepped(attempt);
    });
  }

  /** Records that a hold has expired. A concurrent confirmation then fails on its condition. */
  private async expire(checkout: Checkout, now: number): Promise<void> {
    await this.returnExpiredStock(checkout, now);
    await this.end(checkout, { from: 'held', fromParts: checkout.partsDone, endedHoldAt: now }, 'expired');
  }

  private async end(
    checkout: Checkout,
    from: Pick<CheckoutMove, 'from' | 'fromParts' | 'endedHoldAt'>,
    to: 'cancelled' | 'expired',
  ): Promise<void> {
    const { checkouts, refunds, db } = this.parts;
    const endedAt = this.clock.now();
    const move: CheckoutMove = { ...from, to, toParts: partsOf(checkout).length, endedAt };
    const { checkoutId, userId, paymentReference, holdUntil } = checkout;
    // Record the refund in the same transaction as the end, because no later request may arrive for this payment.
    const refund =
      from.from === 'confirming' && paymentReference !== undefined
        ? {
            checkoutId,
            userId,
            paymentReference,
            reason: `The hold of checkout ${checkoutId} expired at ${iso(holdUntil)}, before all lines were sold`,
            recordedAt: endedAt,
          }
        : undefined;
    const items = { checkout: checkouts.moving(checkout, move), refund: refund && refunds.listing(refund) };
    if (await transact(db, items)) return; // Another process has ended it.
    this.parts.onCheckout?.(to);
    if (refund) this.parts.onCheckout?.('refund-due');
  }

  /** Returns the stock of expired holds to every product of a checkout. */
  private async returnExpiredStock({ lines, holdUntil }: Checkout, now = this.clock.now()): Promise<void> {
    const products = await this.parts.products.read(
      lines.map(({ productId }) => productId),
      { consistent: true },
    );
    await Promise.all(
      products.map((product) => this.parts.products.returnExpiredHolds(product, Math.max(now, holdUntil))),
    );
  }

  /**
   * Records the refund, then makes the error. A caller that gets the error may never act on it, and operators read the
   * record.
   * @returns the error to throw
   */
  private async refundDue(
    { checkoutId, userId }: Checkout,
    paymentReference: string,
    reason: string,
  ): Promise<LongwatchError> {
    const recordedAt = this.clock.now();
    if (await this.parts.refunds.record({ checkoutId, userId, paymentReference, reason, recordedAt }))
      this.parts.onCheckout?.('refund-due');
    return new LongwatchError(
      'refundDue',
      `${reason}: refund payment ${paymentReference}. The refund is listed at GET /v1/refunds; report it with ` +
        'POST /v1/refunds when it is done',
      {
        members: { refund: { paymentReference, checkoutId } },
      },
    );
  }

  private async mustFind(checkoutId: string): Promise<Checkout> {
    const found = await this.parts.checkouts.find(checkoutId);
    if (!found) throw new LongwatchError('notFound', `There is no checkout ${checkoutId}`);
    return found;
  }
}

function productOf(byId: ReadonlyMap<string, Product>, productId: string): Product {
  const found = byId.get(productId);
  if (!found) throw new RangeError(`Product ${productId} was frozen without being read`);
  return found;
}

/** Derives the order's id from the checkout, so that every process makes the same id. */
const orderIdOf = ({ checkoutId, attempt }: Checkout): string =>
  `o-${createHash('sha256').update(`${checkoutId}.${attempt}`).digest('base64url').slice(0, 22)}`;

/**
 * Repeats after a step. The second attempt follows at once, because it normally finds the step done. Later attempts
 * pause, because other writers interfere.
 */
const stepped = (attempt: number): Again => (attempt === 1 ? againAtOnce : again);
