import { isCurrency, minorUnitDigits, referenceAmount } from '../../src/domain/money';

describe('currencies', () => {
  it.each([
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
    // The runtime shows these without digits, but payment systems count their minor units.
    ['HUF', 2],
    ['PKR', 2],
    ['COP', 2],
    ['IQD', 3],
    ['CLF', 4],
  ])('%s has the %i minor-unit digits of ISO 4217', (currency, digits) => {
    expect(isCurrency(currency)).toBe(true);
    expect(minorUnitDigits(currency)).toBe(digits);
  });

  it.each(['EURO', 'eur', 'XXX', 'XAU', 'DEM', ''])('"%s" is no currency to pay in', (code) => {
    expect(isCurrency(code)).toBe(false);
  });

  it('compares amounts of different currencies by their order of magnitude', () => {
    const dinner = [referenceAmount(5_000, 'EUR'), referenceAmount(5_500, 'USD'), referenceAmount(8_250, 'JPY'), referenceAmount(2_000_000, 'HUF')];
    for (const amount of dinner) expect(amount).toBeCloseTo(50, 6);
  });

  it('takes a currency without a reference rate as one to one, in its own minor units', () => {
    expect(referenceAmount(12_345, 'KWD')).toBeCloseTo(12.345, 9);
  });
});
