/** A product's stock. Held quantities are stored by the end of their hold, so an expired hold needs no write. */
export interface Stock {
  /** Quantity that can be sold, without the quantities of expired holds. */
  onHand: number;
  /** Held quantities by the end of their hold (epoch ms as text). */
  holds: Readonly<Record<string, number>>;
  sold: number;
}

/**
 * The ends of holds are rounded up to a twentieth of the hold's duration. So a product has few different ends, and its
 * item stays small.
 */
const STEPS_A_HOLD = 20;

/** Returns the end (epoch ms) of a hold that begins now. */
export function holdEnd(now: number, holdMs: number): number {
  const step = Math.max(1, Math.ceil(holdMs / STEPS_A_HOLD));
  return Math.ceil((now + holdMs) / step) * step;
}

/** Returns the holds that have expired by an instant, whatever the status of their checkouts. */
export function expiredHolds({ holds }: Pick<Stock, 'holds'>, now: number): { end: string; quantity: number }[] {
  return Object.entries(holds)
    .filter(([end]) => Number(end) <= now)
    .map(([end, quantity]) => ({ end, quantity }));
}

/** Returns the quantities that are available, held and sold at an instant. Their sum is all stock ever added. */
export function stockAt(stock: Stock, now: number): { onHand: number; held: number; sold: number } {
  const freed = expiredHolds(stock, now).reduce((sum, { quantity }) => sum + quantity, 0);
  const held = Object.values(stock.holds).reduce((sum, quantity) => sum + quantity, 0) - freed;
  return { onHand: stock.onHand + freed, held, sold: stock.sold };
}
