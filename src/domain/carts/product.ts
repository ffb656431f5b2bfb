import type { Stock } from './stock';

/** A product of the shop, with its stock. */
export interface Product {
  productId: string;
  title: string;
  /** Minor units. */
  price: number;
  currency: string;
  /** Incremented when somebody changes the product; sales do not change it. */
  version: number;
  stock: Stock;
}
