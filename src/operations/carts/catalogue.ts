import { LRUCache } from 'lru-cache';
import type { Product } from '../../domain/carts/product';
import type { ProductStore } from '../../stores/carts/products';

/** What carts show of a product. Its stock is not among it: that is read where it is sold. */
export type Listed = Pick<Product, 'productId' | 'title' | 'price' | 'currency'>;

const MAX_PRODUCTS = 50_000;

/**
 * Products at hand for carts, as they were a moment ago: what a cart shows is told to be so old at most, and a checkout
 * reads for itself. A product that is missing is asked for every time, so that it is there as soon as it is there.
 */
export class Catalogue {
  private readonly known: LRUCache<string, Listed> | undefined;

  /** @param maxAgeMs 0: nothing is kept. */
  constructor(
    private readonly products: Pick<ProductStore, 'read'>,
    maxAgeMs: number,
  ) {
    this.known = maxAgeMs > 0 ? new LRUCache({ max: MAX_PRODUCTS, ttl: maxAgeMs }) : undefined;
  }

  async find(productId: string): Promise<Listed | undefined> {
    return (await this.findAll([productId])).get(productId);
  }

  /** At most one request for every hundred that are not at hand. */
  async findAll(productIds: readonly string[]): Promise<ReadonlyMap<string, Listed>> {
    const found = new Map<string, Listed>();
    const missing: string[] = [];
    for (const id of productIds) {
      const listed = this.known?.get(id);
      if (listed) found.set(id, listed);
      else missing.push(id);
    }
    if (missing.length === 0) return found;
    for (const { productId, title, price, currency } of await this.products.read(missing, { consistent: false })) {
      const listed = { productId, title, price, currency };
      this.known?.set(productId, listed);
      found.set(productId, listed);
    }
    return found;
  }

  /** After a change in this process. */
  forget(productId: string): void {
    this.known?.delete(productId);
  }
}
