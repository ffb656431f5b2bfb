import { createHash, randomBytes } from 'node:crypto';
import {
  type Cart,
  type CartCounts,
  type CartStep,
  changeCart,
  emptyCart,
  type LineChange,
  mergeCarts,
  type MergePolicy,
  type MergeReport,
  visibleLines,
} from '../../domain/carts/cart';
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
import type { Catalogue } from './catalogue';

export interface CartParts {
  carts: CartStore;
  counts: CartCountStore;
  catalogue: Catalogue;
  outbox: OutboxWriter;
  db: Db;
  /** Told of what was counted, once it is written. */
  onCounted?(counts: CartCounts): void;
  now?(): number;
}

export interface CartSettings {
  /** From the first line to the first look at a cart: the first reminder. */
  firstLookAfterMs: number;
}

/** What a caller may ask of a change beside itself. */
export interface Conditions {
  /** The version that the caller read. */
  ifVersion?: number;
  /** Repetitions under one key are one request. */
  key?: string;
}

const ATTEMPTS = 25;

/** What customers do to carts. None of it waits for Temporal. */
export class Carts {
  private readonly now: () => number;

  constructor(
    private readonly parts: CartParts,
    private readonly settings: CartSettings,
  ) {
    this.now = parts.now ?? Date.now;
  }

  /**
   * Puts a product in, changes its quantity or takes it out: one request to DynamoDB in an open cart.
   * @throws LongwatchError `notFound` (no such product), `conflict` (a limit), `versionMismatch`.
   */
  async change(userId: string, change: LineChange, { ifVersion, key: given }: Conditions = {}): Promise<ChangedLine> {
    const now = this.now();
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
      mustBeVersion(before, ifVersion);
      return changeCart(before, change, {
        userId,
        now,
        ...defined({ product, key }),
      });
    });
    const line = visibleLines(cart).find(({ productId }) => productId === change.productId);
    return { version: cart?.version ?? 0, ...defined({ line }) };
  }

  /** Takes everything out. */
  empty(userId: string, { ifVersion }: Conditions = {}): Promise<Cart | undefined> {
    return this.rewrite(userId, (before) => {
      mustBeVersion(before, ifVersion);
      return emptyCart(before, { userId, now: this.now() });
    });
  }

  /**
   * A guest's lines go into a user's cart, both carts in one transaction: however often it is asked for, and by however
   * many at once, each guest's cart goes once.
   * @throws LongwatchError `conflict` when the lines would be too many, or went to another user.
   */
  async merge(userId: string, guestId: string, policy: MergePolicy): Promise<MergeReport> {
    if (guestId === userId)
      throw new LongwatchError('invalid', 'guestId must be another than the user', {
        faults: [{ field: 'guestId', message: 'must be another than the user' }],
      });
    return retry({ attempts: ATTEMPTS, exhausted: () => busy(userId) }, async () => {
      const [user, guest] = await Promise.all([this.parts.carts.read(userId), this.parts.carts.read(guestId)]);
      if (guest?.merged?.into === userId) return guest.merged.report;
      if (guest?.merged) throw new LongwatchError('conflict', `The cart of ${guestId} went to another user already`);
      if (!guest || guest.lines.length === 0) return { added: 0, combined: 0, clamped: [] };
      const { step, guest: ended, report } = mergeCarts(user, guest, policy, { userId, now: this.now() });
      return (await this.write(user, step, [this.parts.carts.replacing(guest, ended)])) ? report : again;
    });
  }

  /** The items with which a step is written in somebody else's transaction; `taken` once that is written. */
  itemsOf(before: Cart | undefined, step: CartStep): { items: TransactItem[]; taken(): void } {
    const { cart, counts, opens } = step;
    const start = opens ? startEntry(cartStart(cart, this.settings.firstLookAfterMs), this.now()) : undefined;
    return {
      items: [
        this.parts.carts.replacing(before, cart),
        ...this.parts.counts.counting(cart.userId, counts),
        ...(start ? [this.parts.outbox.recording(start)] : []),
      ],
      taken: () => {
        if (start) this.parts.outbox.dispatchSoon(start);
        this.parts.onCounted?.(counts);
      },
    };
  }

  /** A change that needs the whole cart, again whenever somebody else was faster. */
  private async rewrite(
    userId: string,
    stepOf: (before: Cart | undefined) => CartStep | undefined,
  ): Promise<Cart | undefined> {
    return retry({ attempts: ATTEMPTS, exhausted: () => busy(userId) }, async () => {
      const before = await this.parts.carts.read(userId);
      const step = stepOf(before);
      if (!step) return before;
      return (await this.write(before, step)) ? step.cart : again;
    });
  }

  private async write(before: Cart | undefined, step: CartStep, also: readonly TransactItem[] = []): Promise<boolean> {
    const { items, taken } = this.itemsOf(before, step);
    if (await transact(this.parts.db, { items, also })) return false;
    taken();
    return true;
  }

  private async productOf(productId: string): Promise<{ title: string; price: number; currency: string }> {
    const found = await this.parts.catalogue.find(productId);
    if (!found)
      throw new LongwatchError('notFound', `There is no product ${productId}; PUT /v1/products/${productId} makes it`);
    const { title, price, currency } = found;
    return { title, price, currency };
  }
}

/**
 * What tells a repetition. The SDK repeats a request whose answer was lost: where the first one would stand against the
 * second, or both would count, one is made up.
 */
function keyOf(change: LineChange, given: string | undefined, ifVersion: number | undefined): string | undefined {
  if (given !== undefined) return digest(`${change.kind}.${change.productId}.${given}`);
  return change.kind === 'add' || ifVersion !== undefined ? randomBytes(6).toString('base64url') : undefined;
}

/** In a map of a cart, where every character counts. */
const digest = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 16);

function mustBeVersion(cart: Cart | undefined, ifVersion: number | undefined): void {
  const version = cart?.version ?? 0;
  if (ifVersion !== undefined && ifVersion !== version)
    throw new LongwatchError(
      'versionMismatch',
      `The cart is at version ${version}, not ${ifVersion}; read it again, then change it`,
    );
}

const busy = (userId: string): LongwatchError =>
  new LongwatchError('contention', `The cart of ${userId} is busy; try again`);
