import type { Cart, CartLine, Closing, MergeReport, Snapshot } from '../../domain/carts/cart';
import { type Item, itemType, json, map, mapping, number, optional, text } from '../items';
import { cartTables } from './tables';

/** Sort key of the cart itself. */
export const CART = 'cart';

const quantityMap = mapping<number>('Quantities');
const snapshotMap = mapping<string>('Snapshots');

const items = itemType(cartTables, 'ShoppingCart', {
  userId: text('UserID'),
  number: number('CartNumber'),
  version: number('Version'),
  status: text<Cart['status']>('Status'),
  openedAt: number('OpenedAt'),
  lastActivityAt: number('LastActivityAt'),
  quantities: quantityMap,
  snapshots: snapshotMap,
  keys: map<Record<string, number>>('Keys'),
  rung: optional(number('Rung')),
  remindedAt: optional(number('RemindedAt')),
  checkoutId: optional(text('CheckoutID')),
  lastClosed: optional(map<{ Number: number; How: Closing }>('LastClosed')),
  mergedInto: optional(text('MergedInto')),
  mergeReport: optional(json<MergeReport>('MergeReport')),
});
/** The attributes of an open cart that the reconciler reads. */
export const openCartItems = items.pick('userId', 'number', 'openedAt');
/** The result of an update of one line. */
const changedItems = itemType(cartTables, 'ShoppingCart', {
  version: number('Version'),
  quantities: optional(quantityMap),
  snapshots: optional(snapshotMap),
});

/**
 * Converts a cart to its item. Quantities and snapshots are separate maps, so that one update expression changes a
 * quantity.
 */
export function cartItem({ lines, reminded, lastClosed, merged, ...cart }: Cart): Item {
  return items.write(
    {
      ...cart,
      quantities: new Map(lines.map(({ productId, quantity }) => [productId, quantity])),
      snapshots: new Map(lines.map((line) => [line.productId, snapshotText(line)])),
      ...(reminded && { rung: reminded.rung, remindedAt: reminded.at }),
      ...(lastClosed && { lastClosed: { Number: lastClosed.number, How: lastClosed.how } }),
      ...(merged && { mergedInto: merged.into, mergeReport: merged.report }),
    },
    { Entry: CART },
  );
}

/**
 * Converts a snapshot to text. Marshalling it as a map would cost every change of a quantity more CPU time than the
 * rest of the request.
 */
export function snapshotText({ title, price, currency, addedAt }: Snapshot): string {
  return JSON.stringify([title, price, currency, addedAt]);
}

/** Converts an item to a cart. */
export function cartOf(item: Item): Cart {
  const { quantities, snapshots, rung, remindedAt, lastClosed, mergedInto, mergeReport, ...cart } = items.read(item);
  return {
    ...cart,
    lines: linesOf(quantities, snapshots),
    ...(rung !== undefined && remindedAt !== undefined && { reminded: { rung, at: remindedAt } }),
    ...(lastClosed && { lastClosed: { number: lastClosed.Number, how: lastClosed.How } }),
    ...(mergedInto !== undefined && mergeReport && { merged: { into: mergedInto, report: mergeReport } }),
  };
}

/** Converts the result of an update of one line to the new version and the line. */
export function changedLine(productId: string, item: Item): { version: number; line?: CartLine } {
  const { version, quantities, snapshots } = changedItems.read(item);
  const quantity = quantities?.get(productId);
  return {
    version,
    ...(quantity !== undefined && { line: lineOf(productId, quantity, snapshots?.get(productId)) }),
  };
}

function linesOf(quantities: ReadonlyMap<string, number>, snapshots: ReadonlyMap<string, string>): CartLine[] {
  return [...quantities]
    .map(([productId, quantity]) => lineOf(productId, quantity, snapshots.get(productId)))
    .sort((a, b) => a.addedAt - b.addedAt || (a.productId < b.productId ? -1 : 1));
}

/**
 * Returns a line. If its snapshot is missing (an earlier release accepted product ids that plain objects do not store),
 * the line has default values, so that the cart can still be read.
 */
function lineOf(productId: string, quantity: number, snapshot = '[]'): CartLine {
  const [title = productId, price = 0, currency = 'XXX', addedAt = 0] = JSON.parse(snapshot) as Partial<
    [string, number, string, number]
  >;
  return { productId, quantity, title, price, currency, addedAt };
}
