import * as fc from 'fast-check';
import { formatMoney } from '../../../src/domain/money/format';

it.each([
  [123_450, 'EUR', 'EUR 1,234.50'],
  [1_000, 'JPY', 'JPY 1,000'],
  [5, 'EUR', 'EUR 0.05'],
  [-5, 'EUR', 'EUR -0.05'],
  [1_234, 'KWD', 'KWD 1.234'],
  [0, 'JPY', 'JPY 0'],
])('%p minor units of %s read %s', (amount, currency, text) => expect(formatMoney(amount, currency)).toBe(text));

it('agrees with Intl on every amount', () => {
  const digits = { EUR: 2, JPY: 0, KWD: 3 };
  fc.assert(
    fc.property(
      fc.integer({ min: -1_000_000_000_000, max: 1_000_000_000_000 }),
      fc.constantFrom('EUR' as const, 'JPY' as const, 'KWD' as const),
      (amount, currency) => {
        const places = digits[currency];
        const text = new Intl.NumberFormat('en', {
          minimumFractionDigits: places,
          maximumFractionDigits: places,
        }).format(amount / 10 ** places);
        expect(formatMoney(amount, currency)).toBe(`${currency} ${text}`);
      },
    ),
  );
});
