import ms from 'ms';
import { z } from 'zod';

/** Kinds of values that settings have; durations are in milliseconds. */
export const integer = (fallback: number, min: number, max: number) => z.coerce.number().int().min(min).max(max).default(fallback);
export const duration = (fallback: number) => integer(fallback, 1, 366 * DAY);
export const flag = z.enum(['true', 'false']).default('false').transform((value) => value === 'true');
/** Durations like `1h,24h,72h`, ascending, in milliseconds; `none`. */
export const ladder = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) => (text === 'none' ? [] : text.split(',').map((one) => (/\d/.test(one) ? (ms(one.trim() as ms.StringValue) as number | undefined) : undefined))))
    .refine((steps) => steps.every((step, i) => step !== undefined && step > (steps[i - 1] ?? 0)), 'must be durations that ascend, like 1h,24h,72h, or none')
    .transform((steps) => steps as number[]);
/** Entries, comma separated; none where it is not set. */
export const listOf = (pattern: RegExp, rule: string) =>
  z
    .string()
    .default('')
    .transform((text) => text.split(',').map((one) => one.trim()).filter(Boolean))
    .refine((entries) => entries.every((one) => pattern.test(one)), rule);
export const url = z.url({ protocol: /^https?$/ });

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
