import { reminder } from '../../../src/domain/carts/letters';
import { booksCart } from './booksCart';

it('a reminder lists ten lines, counts the others, and has one id for each step', () => {
  const { id, text, recipient, at } = reminder(booksCart(12), 2, 5_000, 'ada@example.org');
  expect([id, recipient, at]).toEqual(['cart.ada.3.reminder-2', 'ada@example.org', 5_000]);
  expect(text.split('\n').filter((line) => line.includes('×'))).toHaveLength(10);
  expect(text).toContain('  1 × Book | 0, EUR 10.50 each');
  expect(text).toContain('  and 2 more');
  expect(reminder(booksCart(10), 1, 0, 'a').text).not.toContain('more');
});
