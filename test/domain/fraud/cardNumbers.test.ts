import fc from 'fast-check';
import { holdsCardNumber } from '../../../src/domain/fraud/cardNumbers';
import { withCheckDigit } from '../../support/canaries';

const number = fc
  .tuple(fc.constantFrom('2', '3', '4', '5', '6'), fc.stringMatching(/^\d{11,17}$/))
  .map(([first, rest]) => withCheckDigit(first + rest));
const words = fc.stringMatching(/^[a-z ,.]{0,20}$/);

it('a card number is found wherever it stands in a text, plain, in groups of four, or with hyphens', () => {
  fc.assert(
    fc.property(number, fc.constantFrom('', ' ', '-'), words, words, (digits, gap, before, after) => {
      expect(holdsCardNumber(`${before}${digits.match(/.{1,4}/g)!.join(gap)}${after}`)).toBe(true);
    }),
  );
});

it('with another last digit it is none', () => {
  fc.assert(
    fc.property(number, fc.integer({ min: 1, max: 9 }), (digits, by) => {
      expect(holdsCardNumber(`${digits.slice(0, -1)}${(Number(digits.at(-1)) + by) % 10}`)).toBe(false);
    }),
  );
});

it.each([
  'the customer called',
  'ends in 1111',
  'tx-4111111111',
  '2026-11-24T10:16:06.600Z',
  '+49 30 1234567',
  'amount 459900, then 4599',
  '411111111111111111111111111111',
])('%s holds none', (text) => expect(holdsCardNumber(text)).toBe(false));
