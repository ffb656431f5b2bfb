import {
  type Cart,
  type CartCounts,
  type MergePolicy,
  type MergeReport,
  mustBeVersion,
  visibleLines,
} from '../../domain/carts/cart';
import { mergeCarts } from '../../domain/carts/cartMerge';
import { type CartStep, changeCart, emptyCart, type LineChange } from '../../domain/carts/cartChanges';
import { defined } from '../../domain/defined';
import { LongwatchError } from '../../domain/errors';
import { startEntry } from '../../domain/platform/outbox';
import type { CartCountStore } from '../../stores/carts/cartCounts';
import type { CartStore, ChangedLine, ChangeOptions } from '../../stores/carts/carts';
import type { Db } from '../../stores/dynamodb';
import type { TransactItem } from '../../stores/platform/outbox';
import { again, retry } from '../../timing/retry';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { transact } from '../../stores/transact';
import { cartStart } from '../../domain/carts/workflows';
import type { ProductCache } from './productCache';
import { ATTEMPTS, busy } from './contention';
import { keyOf } from './idempotencyKeys';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link Carts} needs. */
export interface CartParts {
  carts: CartStore;
  counts: CartCountStore;
  productCache: ProductCache;
  outbox: OutboxWriter;
  db: Db;
  /** Called with the counts, after they are written. */
  onCounted?(counts: CartCounts): void;
  clock?: Clock;
}

/** The settings of {@link Carts}. */
export interface CartSettings {
  /**
   * Delay from a cart's first line to the first check of its workflow, in milliseconds. The first reminder is due no
   * earlier.
   */
  firstLookAfterMs: number;
}

/** Conditions of a change. */
export interface Conditions {
  /** The cart's version that the caller read. */
  ifVersion?: number;
  /** Idempotency key: repeated requests with one key count as one request. */
  key?: string;
}

/** Changes carts for customers. No method waits for Temporal. */
export class Carts {
  private readonly clock: Clock;

  constructor(
    private readonly parts: CartParts,
    private readonly settings: CartSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Adds a product, changes its quantity, or removes it. If the cart is open, this is one request to DynamoDB.
   * @throws LongwatchError `notFound` (no such product), `conflict` (a limit of the cart), `versionMismatch`
   */
  async change(userId: string, change: LineChange, { ifVersion, key: given }: Conditions = {}): Promise<ChangedLine> {
    const now = this.clock.now();
    const product = change.kind === 'remove' ? undefined : await this.productOf(change.productId);
    const key = keyOf(change, given, ifVersion);
    const options: ChangeOptions = {
      now,
      ...(product && { snapshot: { ...product, addedAt: now } }),
      ...defined({ key, ifVersion }),
    };
    const changed = await this.parts.carts.change(userId, change, options);
    if (changed) return changed;
    const cart = await this.rewrite(userId, (before) => {
      if (key !== undefined && before?.keys[key] !== undefined) return undefined;
      mustBeVersion(before, ifVersion, 'change it');
      return changeCart(before, change, {
        userId,
        now,
        ...defined({ product, key }),
      });
    });
    const line = visibleLines(cart).find(({ productId }) => productId === change.productId);
    return { version: cart?.version ?? 0, ...defined({ line }) };
  }

  /**
   * Removes all lines.
   * @throws LongwatchError `versionMismatch`
   */
  empty(userId: string, { ifVersion }: Conditions = {}): Promise<Cart | undefined> {
    return this.rewrite(userId, (before) => {
      mustBeVersion(before, ifVersion, 'change it');
      return emptyCart(before, { userId, now: this.clock.now() });
    });
  }

  /**
   * Merges a guest's cart into a user's cart; both carts change in one transaction. However often and by however many
   * callers this is requested, each guest's cart is merged once.
   * @throws LongwatchError `invalid` (guest and user are the same), `conflict` (too many lines, or the guest's cart was
   *   merged into another user's)
   */
  async merge(userId: string, guestId: string, policy: MergePolicy): Promise<MergeReport> {
    if (guestId === userId)
      throw new LongwatchError('invalid', 'guestId must differ from the user id', {
        faults: [{ field: 'guestId', message: 'must differ from the user id' }],
      });
    return retry({ attempts: ATTEMPTS, exhausted: () => busy(`The cart of ${userId} is`) }, async () => {
      const [user, guest] = await Promise.all([this.parts.carts.read(userId), this.parts.carts.read(guestId)]);
      if (guest?.merged?.into === userId) return guest.merged.report;
      if (guest?.merged)
        throw new LongwatchError('conflict', `The cart of ${guestId} was merged into another user's cart already`);
      if (!guest || guest.lines.length === 0) return { added: 0, combined: 0, clamped: [] };
      const { step, guest: ended, report } = mergeCarts(user, guest, policy, { userId, now: this.clock.now() });
      return (await this.write(user, step, [this.parts.carts.replacing(guest, ended)])) ? report : again;
    });
  }

  /**
   * Returns the items with which a caller writes a step in its own transaction. The caller must call `onWritten` after
   * the write.
   */
  itemsOf(before: Cart | undefined, step: CartStep): { items: TransactItem[]; onWritten(): void } {
    const { cart, counts, opens } = step;
    const start = opens ? startEntry(cartStart(cart, this.settings.firstLookAfterMs), this.clock.now()) : undefined;
    return {
      items: [
        this.parts.carts.replacing(before, cart),
        ...this.parts.counts.counting(cart.userId, counts),
        ...(start ? [this.parts.outbox.recording(start)] : []),
      ],
      onWritten: () => {
        if (start) this.parts.outbox.dispatchSoon(start);
        this.parts.onCounted?.(counts);
      },
    };
  }

  /** Reads the cart, decides, and writes. Repeats this while other writers change the cart meanwhile. */
  private async rewrite(
    userId: string,
    stepOf: (before: Cart | undefined) => CartStep | undefined,
  ): Promise<Cart | undefined> {
    return retry({ attempts: ATTEMPTS, exhausted: () => busy(`The cart of ${userId} is`) }, async () => {
      const before = await this.parts.carts.read(userId);
      const step = stepOf(before);
      if (!step) return before;
      return (await this.write(before, step)) ? step.cart : again;
    });
  }

  private async write(before: Cart | undefined, step: CartStep, also: readonly TransactItem[] = []): Promise<boolean> {
    const { items, onWritten } = this.itemsOf(before, step);
    if (await transact(this.parts.db, { items, also })) return false;
    onWritten();
    return true;
  }

  private async productOf(productId: string): Promise<{ title: string; price: number; currency: string }> {
    const found = await this.parts.productCache.find(productId);
    if (!found)
      throw new LongwatchError(
        'notFound',
        `There is no product ${productId}; create it with PUT /v1/products/${productId}`,
      );
    const { title, price, currency } = found;
    return { title, price, currency };
  }
}
