import type { Checkout } from '../../../src/domain/carts/checkout';
import { cartPage, checkoutPage } from '../../../src/domain/carts/pages';
import { booksCart } from './booksCart';

it('a cart’s page shows its lines, and what a product is called cannot end a cell', () => {
  const page = cartPage(booksCart(11), 3, 'next: a reminder');
  expect(page).toContain('**open** · user ada');
  expect(page).toContain('| 1 | Book \\| 0 | EUR 10.50 |');
  expect(page).toContain('and 1 more');
  expect(cartPage(booksCart(1), 2, 'superseded')).toBe('superseded');
  expect(cartPage(booksCart(0), 3, 'next')).toContain('All lines of this cart are unreadable');
});

it('a checkout’s page shows the order once there is one', () => {
  const checkout = {
    status: 'held',
    userId: 'ada',
    total: 1_050,
    currency: 'EUR',
    holdUntil: 0,
    lines: [{ productId: 'p', title: 'Book', quantity: 1, price: 1_050 }],
  } as unknown as Checkout;
  expect(checkoutPage(checkout)).toContain('**held** · EUR 10.50 · user ada · held until 1970-01-01T00:00:00.000Z');
  expect(checkoutPage(checkout)).not.toContain('Order');
  expect(checkoutPage({ ...checkout, orderId: 'o-1', paymentReference: 'pay-1' })).toContain(
    'Order o-1, payment pay-1',
  );
});
