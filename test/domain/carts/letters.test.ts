import type { Cart } from '../../../src/domain/carts/cart';
import { reminder } from '../../../src/domain/carts/letters';

const cart = (lines: number): Cart => ({
  userId: 'ada',
  number: 3,
  version: 7,
  status: 'open',
  openedAt: 0,
  lastActivityAt: 0,
  keys: {},
  lines: Array.from({ length: lines }, (_, i) => ({
    productId: `p${i}`,
    quantity: i + 1,
    title: `Book | ${i}`,
    price: 1_050,
    currency: 'EUR',
    addedAt: 0,
  })),
});

it('a reminder lists ten lines, counts the others, and has one id for each step', () => {
  const { id, text, recipient, at } = reminder(cart(12), 2, 5_000, 'ada@example.org');
  expect([id, recipient, at]).toEqual(['cart.ada.3.reminder-2', 'ada@example.org', 5_000]);
  expect(text.split('\n').filter((line) => line.includes('×'))).toHaveLength(10);
  expect(text).toContain('  1 × Book | 0, EUR 10.50 each');
  expect(text).toContain('  and 2 more');
  expect(reminder(cart(10), 1, 0, 'a').text).not.toContain('more');
});
