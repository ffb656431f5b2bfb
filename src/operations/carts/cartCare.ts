import { busy } from './contention';
import type { Cart, CartCounts, Closing } from '../../domain/carts/cart';
import { closed } from '../../domain/carts/cartChanges';
import { type CartPolicy, nextStep } from '../../domain/carts/reminderLadder';
import { reminder } from '../../domain/carts/letters';
import { cartPage } from '../../domain/carts/pages';
import type { CartPreferences } from '../../domain/carts/preferences';
import { isLongwatchError, type LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import type { CartCountStore } from '../../stores/carts/cartCounts';
import type { CartStore } from '../../stores/carts/carts';
import type { Db } from '../../stores/dynamodb';
import { transact } from '../../stores/transact';
import { againAtOnce, retry } from '../../timing/retry';
import { isOfOne, type OnSkipped } from '../platform/isolate';
import { type Notifications, sendUnlessUndeliverable } from '../platform/notifications';

/** The parts that {@link CartCare} needs. */
export interface CartCareParts {
  carts: CartStore;
  counts: CartCountStore;
  notifications: Pick<Notifications, 'send'>;
  /** Returns a link with which a user turns the reminders off. */
  unsubscribeLink(userId: string, at: number): string;
  db: Db;
  onCounted?(counts: CartCounts): void;
  onSkipped?: OnSkipped;
}

/** The result of a check: when the workflow must check again, or how the cart ended. */
export interface CartCheck {
  /** Epoch ms of the next check. */
  until?: number;
  /** The step that is due then. */
  next?: string;
  ended?: Closing;
  /** The workflow's current details, in Markdown. */
  page: string;
}

/** Maximum attempts at a step. After that the workflow retries the activity. */
const ATTEMPTS = 10;
/** Pause after a skipped reminder when no other step is ahead. */
const SKIP_MS = 24 * 60 * 60_000;

/** Handles carts without activity: reminds the customer, and marks the cart as abandoned. */
export class CartCare {
  constructor(
    private readonly parts: CartCareParts,
    private readonly policy: CartPolicy,
  ) {}

  /**
   * Checks a cart, takes the step that is due at `now`, and returns when to check again. A repeated call has no second
   * effect: a reminder has one id, and every write is conditional on the cart that was read.
   * @param now epoch ms
   * @throws LongwatchError `contention` if the cart keeps changing
   */
  async check(userId: string, cartNumber: number, now: number): Promise<CartCheck> {
    const exhausted = () => busy(`The cart of ${userId} is`);
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
      return againAtOnce; // The step is written, or the cart changed meanwhile. Read it again.
    });
  }

  /**
   * Returns the result after a reminder that could not be recorded: it counts as skipped, and the next step follows at
   * its usual time.
   */
  private skipped(after: Cart, preferences: CartPreferences, now: number, why: string): CartCheck {
    const step = nextStep(after, after.number, preferences, this.policy, now);
    const until = step.kind === 'sleep' ? step.until : now + SKIP_MS;
    return {
      until,
      next: step.kind === 'sleep' ? step.next : 'another check',
      page: cartPage(
        after,
        after.number,
        `Reminder ${after.reminded?.rung} was skipped: ${why}. Next, at ${iso(until)}`,
      ),
    };
  }

  /**
   * Sends a reminder and records it in the cart.
   * @returns the refusal, if DynamoDB refuses the record permanently
   */
  private async remind(
    cart: Cart,
    rung: number,
    dueAt: number,
    recipient: string,
    now: number,
  ): Promise<LongwatchError | undefined> {
    const letter = { ...reminder(cart, rung, dueAt, recipient), link: this.parts.unsubscribeLink(cart.userId, dueAt) };
    // If the reminder can never be delivered, this step still counts as done, so that the workflow does not repeat it.
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
