import type { Cart, CartLine, Closing, MergeReport, Snapshot } from '../../domain/carts/cart';
import { defined } from '../../domain/defined';

type Item = Record<string, unknown>;

/** Sort key of the cart itself. */
export const CART = 'cart';

/**
 * Converts a cart to its item. Quantities and snapshots are separate maps, so that one update expression changes a
 * quantity.
 */
export function cartItem(cart: Cart): Item {
  const { lines } = cart;
  return {
    UserID: cart.userId,
    Entry: CART,
    CartNumber: cart.number,
    Version: cart.version,
    Status: cart.status,
    OpenedAt: cart.openedAt,
    LastActivityAt: cart.lastActivityAt,
    // Maps, because the client refuses an object with the own key `constructor`, which an earlier release accepted as a
    // product id.
    Quantities: new Map(lines.map(({ productId, quantity }) => [productId, quantity])),
    Snapshots: new Map(lines.map((line) => [line.productId, snapshotText(line)])),
    Keys: cart.keys,
    ...(cart.reminded && { Rung: cart.reminded.rung, RemindedAt: cart.reminded.at }),
    ...defined({ CheckoutID: cart.checkoutId }),
    ...(cart.lastClosed && { LastClosed: { Number: cart.lastClosed.number, How: cart.lastClosed.how } }),
    ...(cart.merged && { MergedInto: cart.merged.into, MergeReport: JSON.stringify(cart.merged.report) }),
  };
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
  const rung = item['Rung'] as number | undefined;
  const checkoutId = item['CheckoutID'] as string | undefined;
  const lastClosed = item['LastClosed'] as { Number: number; How: Closing } | undefined;
  const mergedInto = item['MergedInto'] as string | undefined;
  return {
    userId: item['UserID'] as string,
    number: item['CartNumber'] as number,
    version: item['Version'] as number,
    status: item['Status'] as Cart['status'],
    openedAt: item['OpenedAt'] as number,
    lastActivityAt: item['LastActivityAt'] as number,
    lines: linesOf(item['Quantities'] as Record<string, number>, item['Snapshots'] as Record<string, string>),
    keys: item['Keys'] as Record<string, number>,
    ...(rung !== undefined && { reminded: { rung, at: item['RemindedAt'] as number } }),
    ...defined({ checkoutId }),
    ...(lastClosed && { lastClosed: { number: lastClosed.Number, how: lastClosed.How } }),
    ...(mergedInto !== undefined && {
      merged: { into: mergedInto, report: JSON.parse(item['MergeReport'] as string) as MergeReport },
    }),
  };
}

/** Converts the result of an update of one line to the new version and the line. */
export function changedLine(productId: string, item: Item): { version: number; line?: CartLine } {
  const quantity = own(item['Quantities'] as Record<string, number> | undefined, productId);
  const snapshot = own(item['Snapshots'] as Record<string, string> | undefined, productId);
  return {
    version: item['Version'] as number,
    ...(quantity !== undefined && { line: lineOf(productId, quantity, snapshot) }),
  };
}

/** Returns an own property only: a product id can be `constructor`, which every object inherits. */
function own<T>(map: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return map && Object.hasOwn(map, key) ? map[key] : undefined;
}

function linesOf(quantities: Record<string, number>, snapshots: Record<string, string>): CartLine[] {
  return Object.entries(quantities)
    .map(([productId, quantity]) => lineOf(productId, quantity, own(snapshots, productId)))
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
