import type { Cart } from '../../../src/domain/carts/cart';

/** An open cart of so many books; their titles hold what would end a cell of a Markdown table. */
export const booksCart = (lines: number): Cart => ({
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
