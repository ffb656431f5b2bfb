import type { Checkout } from './checkout';
import type { Cart, Closing } from './cart';
import { formatMoney } from '../money/format';
import { iso } from '../ids';
import type { WorkflowStart } from '../platform/outbox';

export const CARTS_QUEUE = 'longwatch-carts';
export const CART_TYPE = 'cart';
export const CHECKOUT_TYPE = 'checkout';

/** The one place that spells the id. Started at most once a cart: REJECT_DUPLICATE. */
export function cartWorkflowId(userId: string, cartNumber: number): string {
  return `cart/${userId}/${cartNumber}`;
}

/** The cart of a workflow id that {@link cartWorkflowId} made. */
export function cartOf(workflowId: string): CartInput | undefined {
  const [, userId, number] = /^cart\/(.+)\/(\d+)$/.exec(workflowId) ?? [];
  return userId === undefined ? undefined : { userId, cartNumber: Number(number) };
}

/** The checkout of a workflow id that {@link checkoutWorkflowId} made. */
export function checkoutOf(workflowId: string): string | undefined {
  return /^checkout\/(.+)$/.exec(workflowId)?.[1];
}

/** Started at most once a checkout: REJECT_DUPLICATE. */
export function checkoutWorkflowId(checkoutId: string): string {
  return `checkout/${checkoutId}`;
}

export interface CartInput {
  userId: string;
  cartNumber: number;
}

export interface CartResult {
  how: Closing;
}

export interface CheckoutInput {
  checkoutId: string;
  /** Epoch ms. */
  holdUntil: number;
}

export interface CheckoutResult {
  status: 'confirmed' | 'cancelled' | 'expired';
}

/** The start that a cart owes with its first line; its first task comes when the first reminder may be due. */
export function cartStart({ userId, number, openedAt }: Cart, firstLookAfterMs: number): WorkflowStart {
  const input: CartInput = { userId, cartNumber: number };
  return {
    workflowId: cartWorkflowId(userId, number),
    workflowType: CART_TYPE,
    taskQueue: CARTS_QUEUE,
    args: [input],
    summary: `Cart ${number} of user ${userId}`,
    // No status: keeping it right would cost an action a change. A cart that is open runs, and how one ended is its
    // result.
    searchAttributes: { LongwatchSubject: userId },
    notBefore: openedAt + firstLookAfterMs,
  };
}

/** The start that a checkout owes once everything is held. */
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
