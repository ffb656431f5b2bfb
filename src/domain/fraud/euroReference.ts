import { minorUnitDigits } from '../money/currencies';

/**
 * Units of a currency per euro, rounded to one to three digits. Features compare amounts by order of magnitude, so
 * this precision is enough; no money is moved with these rates. Source: the European Central Bank's reference rates
 * in 2025. A currency that is not listed counts as one to one.
 */
const unitsPerEuro: Readonly<Record<string, number>> = {
  EUR: 1,
  USD: 1.1,
  GBP: 0.85,
  CHF: 0.95,
  JPY: 165,
  CNY: 8,
  INR: 95,
  BRL: 6.2,
  CAD: 1.55,
  AUD: 1.7,
  NZD: 1.9,
  SEK: 11,
  NOK: 11.7,
  DKK: 7.5,
  PLN: 4.3,
  CZK: 25,
  HUF: 400,
  RON: 5,
  TRY: 42,
  MXN: 21,
  ZAR: 20.5,
  KRW: 1550,
  SGD: 1.5,
  HKD: 8.5,
  THB: 37,
  IDR: 18_000,
  MYR: 4.8,
  PHP: 64,
  ILS: 4,
  ISK: 142,
};

/** Converts an amount in minor units to euros, exact only to the order of magnitude. */
export function referenceAmount(amount: number, currency: string): number {
  return amount / 10 ** minorUnitDigits(currency) / (unitsPerEuro[currency] ?? 1);
}
