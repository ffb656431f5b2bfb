import { iso } from '../ids';
import { cell } from '../markdown';
import { formatMoney } from '../money/format';
import type { Cart } from './cart';
import type { Checkout } from './checkout';
import { MAX_LISTED } from './letters';

/** Returns a cart's page in the Web UI, in Markdown. */
export function cartPage(cart: Cart | undefined, cartNumber: number, next: string): string {
  if (cart?.number !== cartNumber) return next;
  const rows = cart.lines
    .slice(0, MAX_LISTED)
    .map(
      ({ quantity, title, price, currency }) => `| ${quantity} | ${cell(title)} | ${formatMoney(price, currency)} |`,
    );
  const more = cart.lines.length - rows.length;
  return [
    `**${cart.status}** · user ${cart.userId} · last activity ${iso(cart.lastActivityAt)} · reminders sent: ` +
      `${cart.reminded?.rung ?? 0}`,
    next,
    ...(rows.length > 0 ? ['', '| quantity | product | price |', '| --- | --- | --- |', ...rows] : []),
    ...(more > 0 ? ['', `and ${more} more`] : []),
    // An open cart has at least one line, so here the stored lines could not be read.
    ...(cart.status === 'open' && cart.lines.length === 0
      ? [
          '',
          '**All lines of this cart are unreadable**: their product ids, such as `__proto__`, were accepted by an ' +
            'earlier release. Reminders list no lines, and the cart cannot be checked out.',
        ]
      : []),
  ].join('\n');
}

/** Returns a checkout's page in the Web UI, in Markdown. */
export function checkoutPage({
  status,
  userId,
  lines,
  total,
  currency,
  holdUntil,
  orderId,
  paymentReference,
}: Checkout): string {
  const rows = lines
    .slice(0, MAX_LISTED)
    .map(({ quantity, title, price }) => `| ${quantity} | ${cell(title)} | ${formatMoney(price, currency)} |`);
  const more = lines.length - rows.length;
  return [
    `**${status}** · ${formatMoney(total, currency)} · user ${userId} · held until ${iso(holdUntil)}`,
    ...(orderId === undefined ? [] : [`Order ${orderId}, payment ${paymentReference}`]),
    '',
    '| quantity | product | price |',
    '| --- | --- | --- |',
    ...rows,
    ...(more > 0 ? ['', `and ${more} more`] : []),
  ].join('\n');
}
