import { backEndOnly, cartRoles, mustBeOwn } from './cartAccess';
import { z } from 'zod';
import {
  type Cart,
  type CartLine,
  MAX_QUANTITY,
  mergePolicies,
  visibleLines,
  isPriceChanged,
} from '../../domain/carts/cart';
import { defined } from '../../domain/defined';
import { iso } from '../../domain/ids';
import type { Carts } from '../../operations/carts/carts';
import type { ProductCache, Listed } from '../../operations/carts/productCache';
import type { CartCountStore } from '../../stores/carts/cartCounts';
import type { CartStore } from '../../stores/carts/carts';
import { optionalIfMatchHeader, optionalVersionOf } from '../http/ifMatch';
import { type AnyRoute, type Reply, route } from '../http/router';
import { idSchema } from '../schemas';

/** What the routes of carts need. */
export interface CartRouteParts {
  carts: Carts;
  store: CartStore;
  counts: CartCountStore;
  productCache: Pick<ProductCache, 'find' | 'findAll'>;
}

const QUANTITY_RULE = `must be a whole number from 1 to ${MAX_QUANTITY}`;
const quantity = z.int(QUANTITY_RULE).min(1, QUANTITY_RULE).max(MAX_QUANTITY, QUANTITY_RULE);
const ADD_RULE = `must be a whole number from ${1 - MAX_QUANTITY} to ${MAX_QUANTITY}, and not 0`;
const added = z
  .int(ADD_RULE)
  .min(1 - MAX_QUANTITY, ADD_RULE)
  .max(MAX_QUANTITY, ADD_RULE)
  .refine((value) => value !== 0, ADD_RULE);

const userParams = z.object({ userId: idSchema });
const itemParams = z.object({ userId: idSchema, productId: idSchema });

const money = { price: z.int(), currency: z.string() };
const lineSchema = z.object({
  productId: z.string(),
  quantity: z.int(),
  title: z.string(),
  ...money,
  addedAt: z.iso.datetime(),
  /** Absent if the product no longer exists. */
  current: z.object({ title: z.string(), ...money }).optional(),
  priceChanged: z.boolean(),
});
const cartSchema = z.object({
  userId: z.string(),
  cartNumber: z.int(),
  version: z.int(),
  status: z.string(),
  lines: z.array(lineSchema),
  /** At current prices, in minor units. Absent if the lines have different currencies. */
  total: z.object({ amount: z.int(), currency: z.string() }).optional(),
  lastActivityAt: z.iso.datetime().optional(),
  checkoutId: z.string().optional(),
});

/** The header `Idempotency-Key` in the OpenAPI document. */
export const idempotencyKey = {
  name: 'Idempotency-Key',
  required: false,
  description: 'Idempotency key: repeated requests with the same key count as one',
};

/** Routes with which customers and shops read and change carts. */
export function cartRoutes(parts: CartRouteParts): AnyRoute[] {
  return [getCart(parts), deleteCart(parts), putItem(parts), deleteItem(parts), mergeCart(parts), getStats(parts)];
}

/** Returns a line with its price and title when it was added, and the current ones of its product. */
function shownLine({ addedAt, ...line }: CartLine, product: Listed | undefined): z.input<typeof lineSchema> {
  const { title, price, currency } = product ?? line;
  return {
    ...line,
    addedAt: iso(addedAt),
    ...(product && { current: { title, price, currency } }),
    priceChanged: product !== undefined && isPriceChanged(line, product),
  };
}

async function shown({ productCache }: CartRouteParts, userId: string, cart: Cart | undefined): Promise<Reply> {
  const products = await productCache.findAll(visibleLines(cart).map(({ productId }) => productId));
  const lines = visibleLines(cart).map((line) => shownLine(line, products.get(line.productId)));
  const [currency, ...others] = new Set(lines.map((line) => (line.current ?? line).currency));
  const version = cart?.version ?? 0;
  return {
    status: 200,
    headers: etag(version),
    body: {
      userId,
      cartNumber: cart?.number ?? 0,
      version,
      status: cart?.status ?? 'empty',
      lines,
      ...(currency !== undefined &&
        others.length === 0 && {
          total: {
            amount: lines.reduce((sum, line) => sum + line.quantity * (line.current ?? line).price, 0),
            currency,
          },
        }),
      ...(cart && { lastActivityAt: iso(cart.lastActivityAt) }),
      ...(cart?.status === 'open' && cart.checkoutId !== undefined && { checkoutId: cart.checkoutId }),
    },
  };
}

const etag = (version: number): Record<string, string> => ({ etag: `"${version}"` });

const conditionsOf = (header: (name: string) => string | undefined): { ifVersion?: number; key?: string } => {
  const key = header('idempotency-key');
  return { ...optionalVersionOf(header('if-match')), ...defined({ key }) };
};

const getCart = (parts: CartRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/carts/:userId',
    operationId: 'getCart',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'A cart, with prices and titles as they were when added and as they are now',
    roles: cartRoles,
    params: userParams,
    responses: { 200: { description: 'The cart; its version is the ETag', schema: cartSchema } },
    handler: async ({ params: { userId }, caller }) => {
      mustBeOwn(caller, userId);
      return shown(parts, userId, await parts.store.read(userId));
    },
  });

const deleteCart = (parts: CartRouteParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/carts/:userId',
    operationId: 'emptyCart',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'Remove all lines of a cart',
    roles: cartRoles,
    params: userParams,
    headers: [optionalIfMatchHeader],
    responses: { 204: { description: 'The cart is empty' }, 412: { description: 'The cart has changed' } },
    handler: async ({ params: { userId }, caller, header }) => {
      mustBeOwn(caller, userId);
      await parts.carts.empty(userId, optionalVersionOf(header('if-match')));
      return { status: 204 };
    },
  });

const putItem = (parts: CartRouteParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/carts/:userId/items/:productId',
    operationId: 'putCartItem',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'Add a product to a cart or change its quantity, to a number or by a number',
    roles: cartRoles,
    params: itemParams,
    body: z.union(
      [z.strictObject({ quantity }), z.strictObject({ add: added })],
      `must be {"quantity": n}, or {"add": n} to change it by n; n ${QUANTITY_RULE}`,
    ),
    headers: [optionalIfMatchHeader, idempotencyKey],
    responses: {
      200: {
        description:
          'The line; the cart’s version is the ETag. Empty if the request is a repetition and the line was ' +
          'removed since',
        schema: z.union([lineSchema, z.strictObject({})]),
      },
      404: { description: 'Product not found' },
      409: { description: 'More than 999 pieces in a line, or more than 200 lines' },
      412: { description: 'The cart has changed' },
    },
    handler: async ({ params: { userId, productId }, body, caller, header }) => {
      mustBeOwn(caller, userId);
      const change =
        'add' in body
          ? ({ kind: 'add', productId, quantity: body.add } as const)
          : ({ kind: 'set', productId, quantity: body.quantity } as const);
      const { line, version } = await parts.carts.change(userId, change, conditionsOf(header));
      const product = await parts.productCache.find(productId);
      // A repeated request may find that the line was removed since. The reply then has no line.
      return { status: 200, headers: etag(version), body: line ? shownLine(line, product) : {} };
    },
  });

const deleteItem = (parts: CartRouteParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/carts/:userId/items/:productId',
    operationId: 'deleteCartItem',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'Remove a product from a cart',
    roles: cartRoles,
    params: itemParams,
    headers: [optionalIfMatchHeader, idempotencyKey],
    responses: {
      204: { description: 'Removed; the cart’s version is the ETag' },
      412: { description: 'The cart has changed' },
    },
    handler: async ({ params: { userId, productId }, caller, header }) => {
      mustBeOwn(caller, userId);
      const { version } = await parts.carts.change(userId, { kind: 'remove', productId }, conditionsOf(header));
      return { status: 204, headers: etag(version) };
    },
  });

const mergeCart = (parts: CartRouteParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/carts/:userId/merge',
    operationId: 'mergeCart',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'Merge a guest’s cart into a user’s cart at login, once',
    roles: backEndOnly,
    params: userParams,
    body: z.strictObject({
      guestId: idSchema,
      policy: z.enum(mergePolicies, `must be one of ${mergePolicies.join(', ')}`).default('sum'),
    }),
    responses: {
      200: {
        description: 'How the guest’s lines were merged; the same for a repeated request',
        schema: z.object({
          merged: z.object({
            added: z.int(),
            combined: z.int(),
            clamped: z.array(z.object({ productId: z.string(), wanted: z.int(), kept: z.int() })),
          }),
          cart: cartSchema,
        }),
      },
      409: {
        description:
          'Together more than 200 lines, or the guest’s cart was merged into another user’s; nothing is changed',
      },
    },
    handler: async ({ params: { userId }, body: { guestId, policy } }) => {
      const merged = await parts.carts.merge(userId, guestId, policy);
      const { body: cart, headers } = await shown(parts, userId, await parts.store.read(userId));
      return { status: 200, body: { merged, cart }, ...defined({ headers }) };
    },
  });

const getStats = ({ counts }: CartRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/stats/carts',
    operationId: 'getCartStats',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'Numbers of open, reminded, recovered and abandoned carts',
    roles: ['service', 'supervisor'],
    responses: {
      200: {
        description: 'Totals since the first start; `open` is the current number',
        schema: z.object({
          open: z.int(),
          opened: z.int(),
          reminded: z.int(),
          recovered: z.int(),
          abandoned: z.int(),
          ordered: z.int(),
          emptied: z.int(),
          merged: z.int(),
        }),
      },
    },
    handler: async () => {
      const { closed, ...totals } = await counts.totals();
      return { status: 200, body: { open: totals.opened - closed, ...totals } };
    },
  });
