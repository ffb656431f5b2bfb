import { reminder } from '../../../src/domain/carts/letters';
import { cartPage } from '../../../src/domain/carts/pages';
import { cartOf, changedLine } from '../../../src/stores/carts/cartItems';

// Products may be called like what every object has; lines of such ids that a release before this one stored must not
// stop their cart.

const item = (quantities: Record<string, number>, snapshots: Record<string, string>) => ({
  UserID: 'ada',
  CartNumber: 1,
  Version: 1,
  Status: 'open',
  OpenedAt: 0,
  LastActivityAt: 0,
  Quantities: quantities,
  Snapshots: snapshots,
  Keys: {},
});

test.each(['constructor', 'toString', 'prototype', '__proto__'])(
  'a line of the product %s without its snapshot has a page and a reminder',
  (productId) => {
    const quantities = Object.defineProperty({}, productId, { value: 2, enumerable: true }) as Record<string, number>;
    const cart = cartOf(item(quantities, {}));
    expect(cart.lines).toMatchObject([{ productId, quantity: 2, title: productId }]);
    expect(cartPage(cart, 1, 'next')).toContain(productId === '__proto__' ? '2' : productId);
    expect(reminder(cart, 1, 0, 'ada').text).toContain('2 ×');
  },
);

test.each(['constructor', '__proto__'])('a change of %s that gives nothing back of it left no line', (productId) => {
  expect(changedLine(productId, item({}, {}))).toEqual({ version: 1 });
});
