/**
 * Currencies. Validity and minor-unit digits come from the runtime's ISO 4217 data (CLDR through `Intl`).
 * Workflows do not import this file: `Intl` data may differ between versions of the runtime.
 */
const known = new Set(Intl.supportedValuesOf('currency'));
const digits = new Map<string, number>();

export function isCurrency(code: string): boolean {
  return known.has(code);
}

/** Digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD. */
export function minorUnitDigits(currency: string): number {
  let found = digits.get(currency);
  if (found === undefined) {
    found = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
    digits.set(currency, found);
  }
  return found;
}

/**
 * Units of a currency to one euro, rounded to one or two digits: enough to compare amounts by their order
 * of magnitude, which is all that behavioural features need, and never used to move money. Read off the
 * European Central Bank's reference rates as they stood in 2025, rounded; a currency that is not listed
 * counts as one to one.
 */
const unitsPerEuro: Readonly<Record<string, number>> = {
  EUR: 1, USD: 1.1, GBP: 0.85, CHF: 0.95, JPY: 165, CNY: 8, INR: 95, BRL: 6.2, CAD: 1.55, AUD: 1.7, NZD: 1.9,
  SEK: 11, NOK: 11.7, DKK: 7.5, PLN: 4.3, CZK: 25, HUF: 400, RON: 5, TRY: 42, MXN: 21, ZAR: 20.5, KRW: 1550,
  SGD: 1.5, HKD: 8.5, THB: 37, IDR: 18_000, MYR: 4.8, PHP: 64, ILS: 4, ISK: 142,
};

/** An amount in minor units as euros, by order of magnitude (see above). */
export function referenceAmount(amount: number, currency: string): number {
  return amount / 10 ** minorUnitDigits(currency) / (unitsPerEuro[currency] ?? 1);
}
