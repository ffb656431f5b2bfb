import { isCurrency, minorUnitDigits } from '../../../src/domain/money/currencies';

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
});
