import type { Stock } from './stock';

export interface Product {
  productId: string;
  title: string;
  /** Minor units. */
  price: number;
  currency: string;
  /** Moves when somebody changes the product, not when it is sold. */
  version: number;
  stock: Stock;
}
