import { minorUnitDigits } from './currencies';

/**
 * Formats an amount in minor units: `EUR 1,234.50`, `JPY 1,000`. It does not use `Intl`, whose output changes with the
 * runtime: workflows call this function, and a replay must give the same text.
 */
export function formatMoney(amount: number, currency: string): string {
  const exponent = minorUnitDigits(currency);
  const digits = String(Math.abs(amount)).padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent).replace(/\B(?=(\d{3})+$)/g, ',');
  const fraction = exponent > 0 ? `.${digits.slice(-exponent)}` : '';
  return `${currency} ${amount < 0 ? '-' : ''}${whole}${fraction}`;
}
