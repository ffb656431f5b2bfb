import { formatMoney } from '../money/format';
import type { Notification } from '../platform/notification';
import type { Cart } from './cart';

/** Maximum number of listed lines; further lines are only counted. */
export const MAX_LISTED = 10;

/** Returns the reminder of a cart. The same step of its ladder gives the same message id each time. */
export function reminder(cart: Cart, rung: number, dueAt: number, recipient: string): Notification {
  const listed = cart.lines
    .slice(0, MAX_LISTED)
    .map(({ quantity, title, price, currency }) => `  ${quantity} × ${title}, ${formatMoney(price, currency)} each`);
  const more = cart.lines.length - listed.length;
  return {
    id: `cart.${cart.userId}.${cart.number}.reminder-${rung}`,
    recipient,
    subject: 'Your cart is waiting',
    text: [
      'Still in your cart:',
      ...listed,
      ...(more > 0 ? [`  and ${more} more`] : []),
      '',
      'Use the link to stop these reminders.',
    ].join('\n'),
    at: dueAt,
  };
}
