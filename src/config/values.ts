import { Cron } from 'croner';
import { z } from 'zod';

/** A whole number from `min` to `max`. */
export const integer = (fallback: number, min: number, max: number) => {
  const rule = `must be a whole number from ${min} to ${max}`;
  return z.coerce
    .number(rule)
    .refine((value) => Number.isInteger(value) && value >= min && value <= max, rule)
    .default(fallback);
};
/** A duration in milliseconds, from 1 ms to 366 days. */
export const duration = (fallback: number) => integer(fallback, 1, 366 * DAY);
/** `true` or `false`; default false. */
export const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true');
/** A comma-separated list; empty if the variable is not set. */
export const listOf = (pattern: RegExp, rule: string) =>
  z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((one) => one.trim())
        .filter(Boolean),
    )
    .refine((entries) => entries.every((one) => pattern.test(one)), rule);
/** An http(s) URL. */
export const url = z.url({ protocol: /^https?$/ });

/** Milliseconds in a minute, an hour and a day. */
export const MINUTE = 60_000;
/** Milliseconds in an hour. */
export const HOUR = 60 * MINUTE;
/** Milliseconds in a day. */
export const DAY = 24 * HOUR;

/**
 * A cron expression as Temporal's schedules accept it: five fields, with optional seconds in front and year at the end,
 * or a name like `@daily`.
 */
export const cron = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .refine(
      isCron,
      'must be a cron expression of five fields, like 30 3 * * *, or one of @hourly, @daily, @weekly, @monthly, ' +
        '@yearly, @every 30m',
    );

const CRON_NAME = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every [1-9]\d*[smhd])$/;
/** Without `L`, `W` and `#`, which Temporal does not support. */
const CRON_FIELD = /^(?:[\d*?,/-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)+$/i;

function isCron(text: string): boolean {
  const expression = text.trim().replace(/^(?:CRON_TZ|TZ)=\S+\s+/, '');
  if (CRON_NAME.test(expression)) return true;
  const fields = expression.split(/\s+/);
  if (fields.length < 5 || fields.length > 7 || !fields.every((field) => CRON_FIELD.test(field))) return false;
  try {
    return (
      new Cron(
        fields
          .slice(fields.length === 7 ? 1 : 0)
          .slice(0, 5)
          .join(' '),
        { paused: true, mode: '5-part' },
      ).nextRun() !== null
    );
  } catch {
    return false;
  }
}
