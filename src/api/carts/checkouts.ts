import { backEndOnly, cartRoles, mustBeOwn } from './cartAccess';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Checkout, checkoutStatuses, statusAt } from '../../domain/carts/checkout';
import { defined } from '../../domain/defined';
import { lineOf, wholeOf } from '../../domain/edge/schemas';
import { LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import type { Checkouts } from '../../operations/carts/checkouts';
import type { CheckoutStore } from '../../stores/carts/checkouts';
import type { RefundStore } from '../../stores/carts/refunds';
import { idempotencyKey } from './carts';
import { optionalIfMatchHeader, optionalVersionOf } from '../http/ifMatch';
import { type AnyRoute, route } from '../http/router';
import { cursorSchema, idSchema, limitSchema } from '../schemas';
import { type Clock, systemClock } from '../../timing/clock';

/** What the routes of checkouts need. */
export interface CheckoutRouteParts {
  checkouts: Checkouts;
  store: CheckoutStore;
  refunds: RefundStore;
  clock?: Clock;
}

const checkoutParams = z.object({ id: idSchema });
const userParams = z.object({ userId: idSchema });
const paymentReference = lineOf(1, 200);

const lineSchema = z.object({ productId: z.string(), title: z.string(), quantity: z.int(), price: z.int() });
const checkoutSchema = z.object({
  checkoutId: z.string(),
  userId: z.string(),
  status: z.enum(checkoutStatuses),
  lines: z.array(lineSchema),
  total: z.int(),
  currency: z.string(),
  createdAt: z.iso.datetime(),
  holdUntil: z.iso.datetime(),
  paymentReference: z.string().optional(),
  orderId: z.string().optional(),
  endedAt: z.iso.datetime().optional(),
});
const refundSchema = z.object({
  checkoutId: z.string(),
  userId: z.string(),
  paymentReference: z.string(),
  reason: z.string(),
  recordedAt: z.iso.datetime(),
  status: z.enum(['due', 'done']),
  doneBy: z.string().optional(),
});
const orderSchema = z.object({
  orderId: z.string(),
  checkoutId: z.string(),
  userId: z.string(),
  paymentReference: z.string(),
  lines: z.array(lineSchema),
  total: z.int(),
  currency: z.string(),
  confirmedAt: z.iso.datetime(),
});

/** Routes of checkouts, orders and refunds due. */
export function checkoutRoutes(parts: CheckoutRouteParts): AnyRoute[] {
  return [
    beginCheckout(parts),
    getCheckout(parts),
    confirmCheckout(parts),
    cancelCheckout(parts),
    listOrders(parts),
    listRefunds(parts),
    refundDone(parts),
  ];
}

function shown(checkout: Checkout, clock: Clock = systemClock): z.input<typeof checkoutSchema> {
  const { checkoutId, userId, lines, total, currency, createdAt, holdUntil, orderId, endedAt } = checkout;
  return {
    checkoutId,
    userId,
    status: statusAt(checkout, clock.now()),
    lines: [...lines],
    total,
    currency,
    createdAt: iso(createdAt),
    holdUntil: iso(holdUntil),
    ...defined({ paymentReference: checkout.paymentReference, orderId }),
    ...(endedAt !== undefined && { endedAt: iso(endedAt) }),
  };
}

const beginCheckout = ({ checkouts, clock }: CheckoutRouteParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/carts/:userId/checkout',
    operationId: 'beginCheckout',
    tag: 'carts',
    loadClass: 'money',
    summary: 'Begin a checkout: hold stock for every line of the cart for some minutes at current prices, or for none',
    roles: cartRoles,
    params: userParams,
    body: z
      .strictObject({ checkoutId: idSchema.optional(), expectedTotal: wholeOf(0, Number.MAX_SAFE_INTEGER).optional() })
      .optional(),
    headers: [optionalIfMatchHeader, idempotencyKey],
    responses: {
      200: {
        description: 'The checkout already exists, under this key or as the cart’s current checkout',
        schema: checkoutSchema,
      },
      201: { description: 'Stock is held for every line', schema: checkoutSchema },
      409: {
        description:
          'No stock is held: `errors` and `shortages` list each line with too little stock. Or the cart is ' +
          'empty, or its total is not the expected one',
      },
      412: { description: 'The cart has changed' },
    },
    handler: async ({ params: { userId }, body = {}, caller, header }) => {
      mustBeOwn(caller, userId);
      const { checkoutId = checkoutIdOf(userId, header('idempotency-key')), expectedTotal } = body;
      const { checkout, begun } = await checkouts.begin(userId, {
        ...defined({ checkoutId, expectedTotal }),
        ...optionalVersionOf(header('if-match')),
      });
      return {
        status: begun ? 201 : 200,
        body: shown(checkout, clock),
        headers: { location: `/v1/checkouts/${checkout.checkoutId}` },
      };
    },
  });

/** Derives the checkout's id from the user and the idempotency key, so a repeated request means the same checkout. */
const checkoutIdOf = (userId: string, key: string | undefined): string | undefined =>
  key === undefined
    ? undefined
    : `co-${createHash('sha256').update(`${userId}#${key}`).digest('base64url').slice(0, 22)}`;

const getCheckout = ({ store, clock }: CheckoutRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/checkouts/:id',
    operationId: 'getCheckout',
    tag: 'carts',
    loadClass: 'money',
    summary: 'A checkout',
    roles: cartRoles,
    params: checkoutParams,
    responses: {
      200: { description: 'The checkout', schema: checkoutSchema },
      404: { description: 'Checkout not found' },
    },
    handler: async ({ params: { id }, caller }) => {
      const found = await store.find(id);
      if (!found) throw new LongwatchError('notFound', `Checkout ${id} not found`);
      mustBeOwn(caller, found.userId);
      return { status: 200, body: shown(found, clock) };
    },
  });

const confirmCheckout = ({ checkouts, clock }: CheckoutRouteParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/checkouts/:id/confirm',
    operationId: 'confirmCheckout',
    tag: 'carts',
    loadClass: 'money',
    summary: 'Turn a checkout into an order, once for each payment',
    roles: backEndOnly,
    params: checkoutParams,
    body: z.strictObject({ paymentReference }),
    responses: {
      200: { description: 'The order; the same for a repeated request', schema: checkoutSchema },
      404: { description: 'Checkout not found' },
      409: {
        description: 'The hold has expired, or another payment was confirmed: `refund` names the payment to refund',
      },
    },
    handler: async ({ params: { id }, body }) => ({
      status: 200,
      body: shown(await checkouts.confirm(id, body.paymentReference), clock),
    }),
  });

const cancelCheckout = ({ checkouts, store, clock }: CheckoutRouteParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/checkouts/:id/cancel',
    operationId: 'cancelCheckout',
    tag: 'carts',
    loadClass: 'money',
    summary: 'Cancel a checkout and release its stock',
    roles: cartRoles,
    params: checkoutParams,
    responses: {
      200: { description: 'Cancelled; the same for a repeated request', schema: checkoutSchema },
      404: { description: 'Checkout not found' },
      409: { description: 'The checkout is already an order' },
    },
    handler: async ({ params: { id }, caller }) => {
      const found = await store.find(id);
      if (found) mustBeOwn(caller, found.userId);
      return { status: 200, body: shown(await checkouts.cancel(id), clock) };
    },
  });

const listOrders = ({ store }: CheckoutRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/carts/:userId/orders',
    operationId: 'listOrders',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'Orders of a user, newest first',
    roles: cartRoles,
    params: userParams,
    query: z.object({ cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: { description: 'A page', schema: z.object({ items: z.array(orderSchema), cursor: z.string().optional() }) },
    },
    handler: async ({ params: { userId }, query, caller }) => {
      mustBeOwn(caller, userId);
      const page = await store.orders(userId, query);
      return {
        status: 200,
        body: { ...page, items: page.items.map((order) => ({ ...order, confirmedAt: iso(order.confirmedAt) })) },
      };
    },
  });

const listRefunds = ({ refunds }: CheckoutRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/refunds',
    operationId: 'listRefunds',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'Payments to refund, because they came too late or twice; oldest first',
    roles: ['service', 'supervisor'],
    query: z.object({
      status: z.enum(['due', 'done'], 'must be due or done').default('due'),
      cursor: cursorSchema,
      limit: limitSchema,
    }),
    responses: {
      200: { description: 'A page', schema: z.object({ items: z.array(refundSchema), cursor: z.string().optional() }) },
    },
    handler: async ({ query: { status, ...query } }) => {
      const page = await refunds.page(status, query);
      return {
        status: 200,
        body: { ...page, items: page.items.map((refund) => ({ ...refund, recordedAt: iso(refund.recordedAt) })) },
      };
    },
  });

const refundDone = ({ refunds }: CheckoutRouteParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/refunds',
    operationId: 'refundDone',
    tag: 'carts',
    loadClass: 'money',
    summary: 'Record that a payment was refunded',
    roles: ['service', 'supervisor'],
    body: z.strictObject({ checkoutId: idSchema, paymentReference }),
    responses: {
      204: { description: 'Recorded; the same for a repeated request' },
      404: { description: 'No refund of this payment is due' },
    },
    handler: async ({ body, caller }) => {
      await refunds.markDone(body.checkoutId, body.paymentReference, caller.name);
      return { status: 204 };
    },
  });
