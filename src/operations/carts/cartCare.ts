import { type Cart, type CartCounts, closed, type Closing } from '../../domain/carts/cart';
import { type CartPolicy, nextStep } from '../../domain/carts/ladder';
import { cartPage, reminder } from '../../domain/carts/letters';
import type { CartPreferences } from '../../domain/carts/preferences';
import { isLongwatchError, LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import type { CartCountStore } from '../../stores/carts/cartCounts';
import type { CartStore } from '../../stores/carts/carts';
import type { Db } from '../../stores/dynamodb';
import { transact } from '../../stores/transact';
import { againAtOnce, retry } from '../../timing/retry';
import { isOfOne, type OnSkipped } from '../platform/isolate';
import { type Notifications, sendUnlessUndeliverable } from '../platform/notifications';

export interface CartCareParts {
  carts: CartStore;
  counts: CartCountStore;
  notifications: Pick<Notifications, 'send'>;
  /** A link by which a user ends the reminders. */
  unsubscribeLink(userId: string, at: number): string;
  db: Db;
  onCounted?(counts: CartCounts): void;
  onSkipped?: OnSkipped;
}

/** What a cart's workflow is told: when to look again, or how it ended. */
export interface CartLook {
  until?: number;
  /** What will be due then. */
  next?: string;
  ended?: Closing;
  /** Markdown. */
  page: string;
}

/** Attempts at a step before the workflow's retry takes over. */
const ATTEMPTS = 10;
/** After a step that was skipped with no other ahead. */
const SKIP_MS = 24 * 60 * 60_000;

/** What happens to carts that nobody touches. */
export class CartCare {
  constructor(
    private readonly parts: CartCareParts,
    private readonly policy: CartPolicy,
  ) {}

  /**
   * Looks at a cart, does what is due at `now`, and says when to look again. Twice is once: a reminder has one id, and
   * every write is conditional on what was read.
   */
  async look(userId: string, cartNumber: number, now: number): Promise<CartLook> {
    const exhausted = () => new LongwatchError('contention', `The cart of ${userId} is busy; try again`);
    return retry({ attempts: ATTEMPTS, exhausted }, async () => {
      const [cart, preferences] = await Promise.all([
        this.parts.carts.read(userId),
        this.parts.carts.preferences(userId),
      ]);
      const step = nextStep(cart, cartNumber, preferences, this.policy, now);
      switch (step.kind) {
        case 'sleep':
          return {
            until: step.until,
            next: step.next,
            page: cartPage(cart, cartNumber, `Next, at ${iso(step.until)}: ${step.next}`),
          };
        case 'ended':
          return { ended: step.how, page: cartPage(cart, cartNumber, `Ended: ${step.how}`) };
        case 'remind':
          if (cart) {
            const refusal = await this.remind(cart, step.rung, step.dueAt, preferences.recipient ?? userId, now);
            if (refusal) {
              this.parts.onSkipped?.(`reminder ${step.rung} of the cart of ${userId}`, refusal);
              return this.skipped(
                { ...cart, reminded: { rung: step.rung, at: now } },
                preferences,
                now,
                refusal.message,
              );
            }
          }
          break;
        case 'abandon':
          if (cart) await this.abandon(cart);
          break;
      }
      return againAtOnce; // The step is written, or somebody else changed the cart first.
    });
  }

  /** A step that cannot be written is skipped: the cart's next instant comes all the same. */
  private skipped(after: Cart, preferences: CartPreferences, now: number, why: string): CartLook {
    const step = nextStep(after, after.number, preferences, this.policy, now);
    const until = step.kind === 'sleep' ? step.until : now + SKIP_MS;
    return {
      until,
      next: step.kind === 'sleep' ? step.next : 'another look',
      page: cartPage(
        after,
        after.number,
        `Reminder ${after.reminded?.rung} was skipped: ${why}. Next, at ${iso(until)}`,
      ),
    };
  }

  /** @returns the refusal where the reminder can never be written down. */
  private async remind(
    cart: Cart,
    rung: number,
    dueAt: number,
    recipient: string,
    now: number,
  ): Promise<LongwatchError | undefined> {
    const letter = { ...reminder(cart, rung, dueAt, recipient), link: this.parts.unsubscribeLink(cart.userId, dueAt) };
    // A customer who can never be reached must not be written to at each step: this step counts as done all the same.
    await sendUnlessUndeliverable(this.parts.notifications, letter);
    const counts: CartCounts = cart.reminded ? {} : { reminded: 1 };
    try {
      const lost = await transact(this.parts.db, {
        cart: this.parts.carts.reminding(cart, rung, now),
        counts: this.parts.counts.counting(cart.userId, counts),
      });
      if (!lost) this.parts.onCounted?.(counts);
      return undefined;
    } catch (error) {
      if (!isLongwatchError(error, 'refused') || !isOfOne(error)) throw error;
      return error;
    }
  }

  private async abandon(cart: Cart): Promise<void> {
    const { cart: abandoned, counts } = closed(cart, 'abandoned');
    const lost = await transact(this.parts.db, {
      cart: this.parts.carts.replacing(cart, abandoned),
      counts: this.parts.counts.counting(cart.userId, counts),
    });
    if (!lost) this.parts.onCounted?.(counts);
  }
}
