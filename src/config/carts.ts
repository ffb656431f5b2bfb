import { z } from 'zod';
import { parseQuietHours } from '../domain/carts/preferences';
import { duration, HOUR, integer, ladder, MINUTE } from './values';

/** Settings of carts and checkouts. */
export const cartsSettings = {
  LONGWATCH_CART_REMINDERS: ladder('1h,24h,72h').describe(
    'Reminders of a cart, each so long after the last activity in it; none',
  ),
  LONGWATCH_CART_ABANDON_AFTER_MS: duration(30 * 24 * HOUR).describe(
    'A cart counts as abandoned so long after the last activity',
  ),
  LONGWATCH_CART_QUIET_HOURS: z
    .string()
    .default('21:00-08:00')
    .transform(parseQuietHours)
    .refine((hours) => hours !== undefined, 'must be like 21:00-08:00, or none')
    .transform((hours) => hours ?? null)
    .describe('Local hours in which nobody is reminded, unless the user says otherwise; none'),
  LONGWATCH_CHECKOUT_HOLD_MS: duration(15 * MINUTE).describe(
    'How long a checkout holds its stock at least; up to a twentieth more',
  ),
  LONGWATCH_PRODUCT_CACHE_MS: integer(2_000, 0, HOUR).describe(
    'How old the title and price may be that a cart shows of a product; 0: read every time',
  ),
};
