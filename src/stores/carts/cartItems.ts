import type { Cart, CartLine, Closing, MergeReport, Snapshot } from '../../domain/carts/cart';
import { defined } from '../../domain/defined';

type Item = Record<string, unknown>;

/** Sort key of the cart itself. */
export const CART = 'cart';

/** A cart as its item: quantities apart from snapshots, so that one update expression changes a quantity. */
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
    // Maps: the client refuses an object with the own key `constructor`, which an earlier release took for a product's
    // id.
    Quantities: new Map(lines.map(({ productId, quantity }) => [productId, quantity])),
    Snapshots: new Map(lines.map((line) => [line.productId, snapshotText(line)])),
    Keys: cart.keys,
    ...(cart.reminded && { Rung: cart.reminded.rung, RemindedAt: cart.reminded.at }),
    ...defined({ CheckoutID: cart.checkoutId }),
    ...(cart.lastClosed && { LastClosed: { Number: cart.lastClosed.number, How: cart.lastClosed.how } }),
    ...(cart.merged && { MergedInto: cart.merged.into, MergeReport: JSON.stringify(cart.merged.report) }),
  };
}

/** One text: as a map of its own it would cost every change of a quantity more than the rest of the request does. */
export function snapshotText({ title, price, currency, addedAt }: Snapshot): string {
  return JSON.stringify([title, price, currency, addedAt]);
}

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

/** Of what an update of one line gives back. */
export function changedLine(productId: string, item: Item): { version: number; line?: CartLine } {
  const quantity = own(item['Quantities'] as Record<string, number> | undefined, productId);
  const snapshot = own(item['Snapshots'] as Record<string, string> | undefined, productId);
  return {
    version: item['Version'] as number,
    ...(quantity !== undefined && { line: lineOf(productId, quantity, snapshot) }),
  };
}

/** A product may be called `constructor`, which every object has. */
function own<T>(map: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return map && Object.hasOwn(map, key) ? map[key] : undefined;
}

function linesOf(quantities: Record<string, number>, snapshots: Record<string, string>): CartLine[] {
  return Object.entries(quantities)
    .map(([productId, quantity]) => lineOf(productId, quantity, own(snapshots, productId)))
    .sort((a, b) => a.addedAt - b.addedAt || (a.productId < b.productId ? -1 : 1));
}

/**
 * A line whose snapshot is lost (a release before this one took ids that objects do not keep) still has a page and a
 * price to look at.
 */
function lineOf(productId: string, quantity: number, snapshot = '[]'): CartLine {
  const [title = productId, price = 0, currency = 'XXX', addedAt = 0] = JSON.parse(snapshot) as Partial<
    [string, number, string, number]
  >;
  return { productId, quantity, title, price, currency, addedAt };
}
