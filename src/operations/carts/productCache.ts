import { LRUCache } from 'lru-cache';
import type { Product } from '../../domain/carts/product';
import type { ProductStore } from '../../stores/carts/products';

/** The part of a product that carts show. It has no stock: a checkout reads the stock itself. */
export type Listed = Pick<Product, 'productId' | 'title' | 'price' | 'currency'>;

const MAX_PRODUCTS = 50_000;

/**
 * Caches products for carts. Carts show entries that are up to `maxAgeMs` old; a checkout reads the products itself. A
 * missing product is not cached, so a new product is found at once.
 */
export class ProductCache {
  private readonly known: LRUCache<string, Listed> | undefined;

  /** @param maxAgeMs milliseconds; 0 disables the cache */
  constructor(
    private readonly products: Pick<ProductStore, 'read'>,
    maxAgeMs: number,
  ) {
    this.known = maxAgeMs > 0 ? new LRUCache({ max: MAX_PRODUCTS, ttl: maxAgeMs }) : undefined;
  }

  /** Returns a product; undefined if it does not exist. */
  async find(productId: string): Promise<Listed | undefined> {
    return (await this.findAll([productId])).get(productId);
  }

  /** Returns the products that exist. Sends at most one request per 100 products that are not cached. */
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

  /** Removes a product from the cache, after this process changed it. */
  forget(productId: string): void {
    this.known?.delete(productId);
  }
}
