import { referenceAmount } from '../../../src/domain/fraud/euroReference';

describe('amounts in euros', () => {
  it('compares amounts of different currencies by their order of magnitude', () => {
    const dinner = [
      referenceAmount(5_000, 'EUR'),
      referenceAmount(5_500, 'USD'),
      referenceAmount(8_250, 'JPY'),
      referenceAmount(2_000_000, 'HUF'),
    ];
    for (const amount of dinner) expect(amount).toBeCloseTo(50, 6);
  });

  it('takes a currency without a reference rate as one to one, in its own minor units', () => {
    expect(referenceAmount(12_345, 'KWD')).toBeCloseTo(12.345, 9);
  });
});
