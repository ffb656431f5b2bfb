import ms from 'ms';
import { z } from 'zod';
import { parseQuietHours } from '../domain/carts/preferences';
import { duration, HOUR, integer, MINUTE } from './values';

/** Ascending durations like `1h,24h,72h`, parsed to milliseconds; `none` gives an empty list. */
const ladder = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) =>
      text === 'none'
        ? []
        : text
            .split(',')
            .map((one) => (/\d/.test(one) ? (ms(one.trim() as ms.StringValue) as number | undefined) : undefined)),
    )
    .refine(
      (steps) => steps.every((step, i) => step !== undefined && step > (steps[i - 1] ?? 0)),
      'must be durations that ascend, like 1h,24h,72h, or none',
    )
    .transform((steps) => steps as number[]);

/** Settings of carts and checkouts. */
export const cartsSettings = {
  LONGWATCH_CART_REMINDERS: ladder('1h,24h,72h').describe(
    'Times after the last activity in a cart at which the user is reminded, ascending; none: no reminders',
  ),
  LONGWATCH_CART_ABANDON_AFTER_MS: duration(30 * 24 * HOUR).describe(
    'Time after the last activity at which a cart counts as abandoned',
  ),
  LONGWATCH_CART_QUIET_HOURS: z
    .string()
    .default('21:00-08:00')
    .transform(parseQuietHours)
    .refine((hours) => hours !== undefined, 'must be like 21:00-08:00, or none')
    .transform((hours) => hours ?? null)
    .describe('Local hours without reminders, for users who have not set their own; none: no quiet hours'),
  LONGWATCH_CHECKOUT_HOLD_MS: duration(15 * MINUTE).describe(
    'Minimum time for which a checkout holds stock; the actual hold is up to 5 % longer',
  ),
  LONGWATCH_PRODUCT_CACHE_MS: integer(2_000, 0, HOUR).describe(
    'Time for which a process caches the title and price of a product for carts; 0: no cache',
  ),
};
