import type { Checkout, CheckoutLine } from './checkout';

/** Lines in one transaction: TransactWriteItems accepts 100 items, and checkout, cart and outbox need some of them. */
export const PART_LINES = 90;

/** Splits the lines of a checkout into parts of one transaction each. */
export function partsOf({ lines, partLines }: Pick<Checkout, 'lines' | 'partLines'>): CheckoutLine[][] {
  const parts: CheckoutLine[][] = [];
  for (let from = 0; from < lines.length; from += partLines) parts.push(lines.slice(from, from + partLines));
  return parts;
}
