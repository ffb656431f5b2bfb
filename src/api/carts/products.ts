import { backEndOnly, cartRoles } from './cartAccess';
import { z } from 'zod';
import type { Product } from '../../domain/carts/product';
import { stockAt } from '../../domain/carts/stock';
import { defined } from '../../domain/defined';
import { line, lineOf } from '../../domain/edge/schemas';
import { LongwatchError } from '../../domain/errors';
import { isCurrency } from '../../domain/money/currencies';
import type { ProductCache } from '../../operations/carts/productCache';
import type { ProductStore } from '../../stores/carts/products';
import { optionalIfMatchHeader, optionalVersionOf } from '../http/ifMatch';
import { Problem } from '../http/problem';
import { type AnyRoute, type Reply, route } from '../http/router';
import { idSchema } from '../schemas';
import { type Clock, systemClock } from '../../timing/clock';

/** What the routes of products need. */
export interface ProductRouteParts {
  products: ProductStore;
  productCache: Pick<ProductCache, 'forget'>;
  clock?: Clock;
}

const productParams = z.object({ id: idSchema });
const MAX_PRICE = 10_000_000_000;
const MAX_STOCK = 1_000_000_000;
const PRICE_RULE = `must be minor units, a whole number from 0 to ${MAX_PRICE}`;
const STOCK_RULE = `must be a whole number from 0 to ${MAX_STOCK}`;
const ADJUST_RULE = `must be a whole number up to ${MAX_STOCK}, and not 0; negative to take away`;

const productSchema = z.object({
  productId: z.string(),
  title: z.string(),
  price: z.int(),
  currency: z.string(),
  version: z.int(),
  stock: z.object({ onHand: z.int(), held: z.int(), sold: z.int() }),
});

/** Routes of products and their stock. */
export function productRoutes(parts: ProductRouteParts): AnyRoute[] {
  return [getProduct(parts), putProduct(parts), adjustStock(parts)];
}

function shown({ stock, ...product }: Product, clock: Clock = systemClock): Reply {
  return {
    status: 200,
    headers: { etag: `"${product.version}"` },
    body: { ...product, stock: stockAt(stock, clock.now()) },
  };
}

async function mustFind({ products }: ProductRouteParts, id: string): Promise<Product> {
  const [found] = await products.read([id], { consistent: true });
  if (!found) throw new LongwatchError('notFound', `Product ${id} not found`);
  return found;
}

const getProduct = (parts: ProductRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/products/:id',
    operationId: 'getProduct',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'A product and its stock: available, held by checkouts, and sold',
    roles: cartRoles,
    shared: true,
    params: productParams,
    responses: {
      200: { description: 'The product; its version is the ETag', schema: productSchema },
      404: { description: 'Product not found' },
    },
    handler: async ({ params: { id } }) => shown(await mustFind(parts, id), parts.clock),
  });

const putProduct = (parts: ProductRouteParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/products/:id',
    operationId: 'putProduct',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'Create or change a product; `stockOnHand` is the available stock, without what checkouts hold',
    roles: backEndOnly,
    params: productParams,
    body: z.strictObject({
      title: lineOf(1, 200),
      price: z.int(PRICE_RULE).min(0, PRICE_RULE).max(MAX_PRICE, PRICE_RULE),
      currency: line('must be a currency of ISO 4217, like EUR').refine(
        isCurrency,
        'must be a currency of ISO 4217, like EUR',
      ),
      stockOnHand: z.int(STOCK_RULE).min(0, STOCK_RULE).max(MAX_STOCK, STOCK_RULE).optional(),
    }),
    headers: [optionalIfMatchHeader],
    responses: {
      200: { description: 'The product', schema: productSchema },
      412: { description: 'The product has changed' },
    },
    handler: async ({ params: { id }, body: { stockOnHand, ...body }, header }) => {
      const product = await parts.products.put({
        productId: id,
        ...body,
        ...defined({ stockOnHand }),
        ...optionalVersionOf(header('if-match')),
      });
      parts.productCache.forget(id);
      return shown(product, parts.clock);
    },
  });

const adjustStock = (parts: ProductRouteParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/products/:id/stock',
    operationId: 'adjustStock',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'Add or remove available stock, for a delivery or a loss, while checkouts continue',
    roles: backEndOnly,
    params: productParams,
    body: z.strictObject({
      adjust: z
        .int(ADJUST_RULE)
        .min(-MAX_STOCK, ADJUST_RULE)
        .max(MAX_STOCK, ADJUST_RULE)
        .refine((value) => value !== 0, ADJUST_RULE),
    }),
    headers: [
      {
        name: 'Idempotency-Key',
        required: true,
        description: 'Idempotency key: repeated requests with the same key count as one delivery, for a week',
      },
    ],
    responses: {
      200: { description: 'The product', schema: productSchema },
      404: { description: 'Product not found' },
      409: { description: 'Less stock is available than the request removes' },
      428: { description: 'Idempotency-Key is missing' },
    },
    handler: async ({ params: { id }, body, header }) => {
      const key = header('idempotency-key');
      if (key === undefined)
        throw new Problem(
          428,
          'Idempotency-Key is missing. Send one, so that a repeated report of a delivery counts once',
        );
      await parts.products.adjust(id, body.adjust, key, (parts.clock ?? systemClock).now());
      return shown(await mustFind(parts, id), parts.clock);
    },
  });
