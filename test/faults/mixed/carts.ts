import { isDeepStrictEqual } from 'node:util';
import { stockAt } from '../../../src/domain/carts/stock';
import { CartStore } from '../../../src/stores/carts/carts';
import { type Checkout, statusAt } from '../../../src/domain/carts/checkout';
import { CheckoutStore, type Order } from '../../../src/stores/carts/checkouts';
import { type Refund, RefundStore } from '../../../src/stores/carts/refunds';
import { ProductStore } from '../../../src/stores/carts/products';
import type { Random } from '../../../src/domain/fraud/random';
import { capability, type Reader, type Violation } from './capability';
import type { Caller } from './caller';
import { possibleSums, startingAt, Turns } from './journal';

const PRODUCTS = ['book', 'lamp', 'chair', 'kettle'].map((name) => `product-${name}`);
const STOCK = 60;
const SHOPPERS = Array.from({ length: 8 }, (_, i) => `shopper-${i + 1}`);
const BUYERS = Array.from({ length: 8 }, (_, i) => `buyer-${i + 1}`);

/** Numbers that were acknowledged, and numbers that may have come on top. */
interface Sum {
  certain: number;
  perhaps: number[];
}

interface Purchase {
  userId: string;
  /** That the checkout began was acknowledged. */
  begun: boolean;
  /** By their references, what was told of each payment. */
  payments: Map<string, 'order' | 'refund' | 'unknown'>;
  cancelled: boolean;
}

interface Journal {
  /** By product. */
  delivered: Map<string, Sum>;
  /** By `shopper/product`. */
  quantities: Map<string, Sum>;
  purchases: Map<string, Purchase>;
  turns: Turns;
}

const noted = (sums: Map<string, Sum>, key: string, value: number, isCertain: boolean): void => {
  const sum = sums.get(key) ?? { certain: 0, perhaps: [] };
  sums.set(key, sum);
  if (isCertain) sum.certain += value;
  else sum.perhaps.push(value);
};

/**
 * Carts, stock and checkouts: nothing is sold twice, nothing acknowledged is missing, and what was put on the shelf is
 * somewhere.
 */
export const carts = capability<Journal>({
  name: 'carts',
  lanes: 3,
  pauseMs: 120,

  async prepare(caller) {
    for (const [i, productId] of PRODUCTS.entries()) {
      const told = await caller.send({
        method: 'put',
        path: `/v1/products/${productId}`,
        body: { title: productId, price: 100 * (i + 1), currency: 'EUR', stockOnHand: STOCK },
      });
      if (told.kind !== 'acknowledged') throw new Error(`${productId} could not be put`);
    }
    return {
      delivered: new Map(PRODUCTS.map((id) => [id, { certain: STOCK, perhaps: [] }])),
      quantities: new Map(),
      purchases: new Map(),
      turns: new Turns(),
    };
  },

  async operate(caller, random, journal, id) {
    const what = random.next();
    if (what < 0.08)
      return deliver(caller, journal, { productId: random.pick(PRODUCTS), quantity: random.integer(1, 9) }, id);
    if (what < 0.45)
      return add(
        caller,
        journal,
        { userId: random.pick(SHOPPERS), productId: random.pick(PRODUCTS), quantity: random.integer(1, 3) },
        id,
      );
    const first = random.integer(0, BUYERS.length - 1);
    await journal.turns.with(startingAt(BUYERS, first), (userId) => buy(caller, random, journal, userId, id));
  },

  async verify(reader, journal) {
    const [products, stored] = await Promise.all([
      new ProductStore(reader.db).read(PRODUCTS, { consistent: true }),
      storedPurchases(reader),
    ]);
    const violations: Violation[] = [];
    const sold = new Map<string, number>();
    for (const { lines } of stored.orders)
      for (const { productId, quantity } of lines) sold.set(productId, (sold.get(productId) ?? 0) + quantity);
    for (const productId of PRODUCTS) {
      const product = products.find((one) => one.productId === productId);
      const stock = product ? stockAt(product.stock, Date.now()) : { onHand: 0, held: 0, sold: 0 };
      const { certain, perhaps } = journal.delivered.get(productId) ?? { certain: 0, perhaps: [] };
      const wrong = (acknowledged: string) =>
        violations.push({ operation: `stock of ${productId}`, acknowledged, found: JSON.stringify(stock) });
      if (!possibleSums(certain, perhaps).has(stock.onHand + stock.held + stock.sold))
        wrong(`${certain} were delivered${perhaps.length > 0 ? `, and perhaps ${perhaps.join(', ')}` : ''}`);
      if (Math.min(stock.onHand, stock.held, stock.sold) < 0) wrong('there is no less than nothing');
      if (stock.held !== 0) wrong('every checkout has ended');
      if (stock.sold !== (sold.get(productId) ?? 0)) wrong(`orders have ${sold.get(productId) ?? 0}`);
    }
    const quantities = await wrongQuantities(reader, journal);
    const purchases = wrongPurchases(journal, stored);
    return {
      verified: quantities.verified + purchases.verified,
      violations: [...violations, ...quantities.violations, ...purchases.violations],
    };
  },
});

async function deliver(
  caller: Caller,
  { delivered }: Journal,
  { productId, quantity }: { productId: string; quantity: number },
  id: string,
): Promise<void> {
  const told = await caller.send({
    method: 'post',
    path: `/v1/products/${productId}/stock`,
    body: { adjust: quantity },
    headers: { 'idempotency-key': id },
  });
  noted(delivered, productId, quantity, told.kind === 'acknowledged');
}

async function add(
  caller: Caller,
  { quantities }: Journal,
  { userId, productId, quantity }: { userId: string; productId: string; quantity: number },
  id: string,
): Promise<void> {
  const told = await caller.send({
    method: 'put',
    path: `/v1/carts/${userId}/items/${productId}`,
    body: { add: quantity },
    headers: { 'idempotency-key': id },
  });
  noted(quantities, `${userId}/${productId}`, quantity, told.kind === 'acknowledged');
}

/** A customer fills a cart, checks it out, and pays, cancels or leaves. */
async function buy(caller: Caller, random: Random, { purchases }: Journal, userId: string, id: string): Promise<void> {
  const wanted = PRODUCTS.map((productId) => ({
    productId,
    quantity: random.integer(1, 3),
    isWanted: random.chance(0.5),
  }));
  const end = random.next();
  const paysTwice = random.chance(0.15);
  for (const { productId, quantity, isWanted } of wanted)
    if (isWanted)
      await caller.send({
        method: 'put',
        path: `/v1/carts/${userId}/items/${productId}`,
        body: { quantity },
        headers: { 'idempotency-key': `${id}-${productId}` },
      });
  const purchase: Purchase = { userId, begun: false, payments: new Map(), cancelled: false };
  const checkoutId = `co-${id}`;
  purchases.set(checkoutId, purchase);
  const begun = await caller.send({ method: 'post', path: `/v1/carts/${userId}/checkout`, body: { checkoutId } });
  if (begun.kind !== 'acknowledged') return;
  // The same cart may be held by a checkout that the customer left before.
  const held = purchases.get(begun.body.checkoutId) ?? purchase;
  held.begun = true;
  const path = `/v1/checkouts/${begun.body.checkoutId}`;
  if (end < 0.65) {
    for (const paymentReference of [`pay-${id}`, ...(paysTwice ? [`pay-${id}-again`] : [])]) {
      held.payments.set(paymentReference, 'unknown');
      const told = await caller.send({ method: 'post', path: `${path}/confirm`, body: { paymentReference } });
      if (told.kind === 'acknowledged') held.payments.set(paymentReference, 'order');
      else if (told.kind === 'refused' && told.body?.type === 'urn:longwatch:problem:refundDue')
        held.payments.set(paymentReference, 'refund');
    }
  } else if (end < 0.85) {
    const told = await caller.send({ method: 'post', path: `${path}/cancel` });
    if (told.kind === 'acknowledged' && told.body.status === 'cancelled') held.cancelled = true;
  }
}

interface Stored {
  orders: Order[];
  refunds: Refund[];
  checkouts: Map<string, Checkout>;
}

async function storedPurchases({ db, scan }: Reader): Promise<Stored> {
  const store = new CheckoutStore(db);
  const orders: Order[] = [];
  for (const userId of BUYERS)
    for (let cursor: string | undefined; ;) {
      const page = await store.orders(userId, { limit: 100, ...(cursor !== undefined && { cursor }) });
      orders.push(...page.items);
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
  const refunds: Refund[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await new RefundStore(db).page('due', { limit: 100, ...(cursor !== undefined && { cursor }) });
    refunds.push(...page.items);
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  const ids = (await scan('Checkouts'))
    .filter((item) => item['Entry'] === 'checkout')
    .map((item) => item['CheckoutID'] as string);
  const found = await Promise.all(ids.map((id) => store.find(id)));
  return { orders, refunds, checkouts: new Map(found.flatMap((one) => (one ? [[one.checkoutId, one] as const] : []))) };
}

async function wrongQuantities(
  { db }: Reader,
  { quantities }: Journal,
): Promise<{ verified: number; violations: Violation[] }> {
  const store = new CartStore(db);
  const violations: Violation[] = [];
  const found = new Map(await Promise.all(SHOPPERS.map(async (userId) => [userId, await store.read(userId)] as const)));
  for (const [key, { certain, perhaps }] of quantities) {
    const [userId = '', productId = ''] = key.split('/');
    const quantity = found.get(userId)?.lines.find((line) => line.productId === productId)?.quantity ?? 0;
    if (!possibleSums(certain, perhaps).has(quantity))
      violations.push({
        operation: `${productId} in the cart of ${userId}`,
        acknowledged: `${certain} were put in${perhaps.length > 0 ? `, and perhaps ${perhaps.join(', ')}` : ''}`,
        found: String(quantity),
      });
  }
  return { verified: quantities.size, violations };
}

/**
 * Every acknowledged order, cancellation and refund is there; every order has its checkout, its payment and one sale.
 */
function wrongPurchases(
  { purchases }: Journal,
  { orders, refunds, checkouts }: Stored,
): { verified: number; violations: Violation[] } {
  const violations: Violation[] = [];
  let verified = 0;
  for (const [checkoutId, { begun, payments, cancelled }] of purchases) {
    const checkout = checkouts.get(checkoutId);
    const status = checkout ? statusAt(checkout, Date.now()) : 'not there';
    const wrong = (acknowledged: string, found: string = status) =>
      violations.push({ operation: `checkout ${checkoutId}`, acknowledged, found });
    if (begun) {
      verified++;
      if (!checkout || !['confirmed', 'cancelled', 'expired'].includes(checkout.status))
        wrong('it began, and its time is over', checkout ? JSON.stringify(checkout) : status);
    }
    if (cancelled && status !== 'cancelled') wrong('it was cancelled');
    const own = orders.filter((order) => order.checkoutId === checkoutId);
    if (own.length !== (status === 'confirmed' ? 1 : 0)) wrong(`it is ${status}`, `${own.length} orders`);
    for (const [reference, told] of payments) {
      verified++;
      const isOrder = own.some(({ paymentReference }) => paymentReference === reference);
      const isRefund = refunds.some(
        (refund) => refund.checkoutId === checkoutId && refund.paymentReference === reference,
      );
      const found = `${isOrder ? 'an order' : 'no order'}, ${isRefund ? 'to be given back' : 'not to be given back'}`;
      if (told === 'order' && (!isOrder || isRefund)) wrong(`payment ${reference} became an order`, found);
      if (told === 'refund' && (isOrder || !isRefund)) wrong(`payment ${reference} is to be given back`, found);
      if (isOrder && isRefund) wrong(`payment ${reference}: ${told}`, found);
    }
    for (const { paymentReference, lines } of own) {
      if (!payments.has(paymentReference)) wrong('nobody sent that payment', paymentReference);
      if (!isDeepStrictEqual(lines, checkout?.lines))
        wrong(`it held ${JSON.stringify(checkout?.lines)}`, JSON.stringify(lines));
    }
  }
  for (const { checkoutId, orderId } of orders)
    if (!purchases.has(checkoutId))
      violations.push({ operation: `order ${orderId}`, acknowledged: 'nobody began its checkout', found: checkoutId });
  return { verified, violations };
}
