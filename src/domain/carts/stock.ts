import { expiredHolds, type Holds } from './holds';

/** A product's stock. Held quantities are stored by the end of their hold, so an expired hold needs no write. */
export interface Stock {
  /** Quantity that can be sold, without the quantities of expired holds. */
  onHand: number;
  holds: Holds;
  sold: number;
}

/** Returns the quantities that are available, held and sold at an instant. Their sum is all stock ever added. */
export function stockAt(stock: Stock, now: number): { onHand: number; held: number; sold: number } {
  const freed = expiredHolds(stock, now).reduce((sum, { quantity }) => sum + quantity, 0);
  const held = Object.values(stock.holds).reduce((sum, quantity) => sum + quantity, 0) - freed;
  return { onHand: stock.onHand + freed, held, sold: stock.sold };
}
