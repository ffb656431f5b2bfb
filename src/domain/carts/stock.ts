/** A product's stock. What is held is kept by the instant at which the hold ends, so that time alone gives it back. */
export interface Stock {
  /** Free to be sold, beside what expired holds give back. */
  onHand: number;
  /** Quantities by the end of their hold, epoch ms as text. */
  holds: Readonly<Record<string, number>>;
  sold: number;
}

/**
 * Ends of holds are rounded up to a twentieth of the hold, so that a product has few different ones: its item stays
 * small.
 */
const SHARE = 20;

/** When a hold that begins now ends. */
export function holdEnd(now: number, holdMs: number): number {
  const step = Math.max(1, Math.ceil(holdMs / SHARE));
  return Math.ceil((now + holdMs) / step) * step;
}

/** Holds that time has ended, whatever became of their checkouts. */
export function expiredHolds({ holds }: Pick<Stock, 'holds'>, now: number): { end: string; quantity: number }[] {
  return Object.entries(holds)
    .filter(([end]) => Number(end) <= now)
    .map(([end, quantity]) => ({ end, quantity }));
}

/** What is free, held and sold at an instant; the sum of the three is what was ever put on the shelf. */
export function stockAt(stock: Stock, now: number): { onHand: number; held: number; sold: number } {
  const freed = expiredHolds(stock, now).reduce((sum, { quantity }) => sum + quantity, 0);
  const held = Object.values(stock.holds).reduce((sum, quantity) => sum + quantity, 0) - freed;
  return { onHand: stock.onHand + freed, held, sold: stock.sold };
}
