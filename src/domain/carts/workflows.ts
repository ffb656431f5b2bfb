import type { Checkout } from './checkout';
import type { Cart, Closing } from './cart';
import { formatMoney } from '../money/format';
import { iso } from '../ids';
import type { WorkflowStart } from '../platform/outbox';

/** The task queue of carts and checkouts. */
export const CARTS_QUEUE = 'longwatch-carts';
/** The workflow type of a cart. */
export const CART_TYPE = 'cart';
/** The workflow type of a checkout. */
export const CHECKOUT_TYPE = 'checkout';

/** Returns the workflow id of a cart; no other place spells it. REJECT_DUPLICATE allows one start for each cart. */
export function cartWorkflowId(userId: string, cartNumber: number): string {
  return `cart/${userId}/${cartNumber}`;
}

/** Returns the cart of a workflow id made by {@link cartWorkflowId}; undefined for other workflow ids. */
export function cartOf(workflowId: string): CartInput | undefined {
  const [, userId, number] = /^cart\/(.+)\/(\d+)$/.exec(workflowId) ?? [];
  return userId === undefined ? undefined : { userId, cartNumber: Number(number) };
}

/** Returns the checkout id of a workflow id made by {@link checkoutWorkflowId}; undefined for other workflow ids. */
export function checkoutOf(workflowId: string): string | undefined {
  return /^checkout\/(.+)$/.exec(workflowId)?.[1];
}

/** Returns the workflow id of a checkout. REJECT_DUPLICATE allows one start for each checkout. */
export function checkoutWorkflowId(checkoutId: string): string {
  return `checkout/${checkoutId}`;
}

/** The argument of the `cart` workflow. */
export interface CartInput {
  userId: string;
  cartNumber: number;
}

/** The result of the `cart` workflow. */
export interface CartResult {
  how: Closing;
}

/** The argument of the `checkout` workflow. */
export interface CheckoutInput {
  checkoutId: string;
  /** Epoch ms. */
  holdUntil: number;
}

/** The result of the `checkout` workflow. */
export interface CheckoutResult {
  status: 'confirmed' | 'cancelled' | 'expired';
}

/** Returns the start of a new cart's workflow. Its first task runs when the first reminder can be due. */
export function cartStart({ userId, number, openedAt }: Cart, firstLookAfterMs: number): WorkflowStart {
  const input: CartInput = { userId, cartNumber: number };
  return {
    workflowId: cartWorkflowId(userId, number),
    workflowType: CART_TYPE,
    taskQueue: CARTS_QUEUE,
    args: [input],
    summary: `Cart ${number} of user ${userId}`,
    // No status: updating it would cost an action per change. An open cart has a running workflow, and the result of a
    // completed one is how the cart ended.
    searchAttributes: { LongwatchSubject: userId },
    notBefore: openedAt + firstLookAfterMs,
  };
}

/** Returns the start of a checkout's workflow, which is recorded when every line is held. */
export function checkoutStart({ checkoutId, userId, lines, total, currency, holdUntil }: Checkout): WorkflowStart {
  const input: CheckoutInput = { checkoutId, holdUntil };
  return {
    workflowId: checkoutWorkflowId(checkoutId),
    workflowType: CHECKOUT_TYPE,
    taskQueue: CARTS_QUEUE,
    args: [input],
    summary: `${formatMoney(total, currency)} · ${lines.length} lines · user ${userId} · held until ${iso(holdUntil)}`,
    searchAttributes: { LongwatchStatus: 'held', LongwatchSubject: userId, LongwatchDueAt: holdUntil },
  };
}
