import { Cron } from 'croner';
import ms from 'ms';
import { z } from 'zod';

/** Kinds of values that settings have; durations are in milliseconds. */
export const integer = (fallback: number, min: number, max: number) => {
  const rule = `must be a whole number from ${min} to ${max}`;
  return z.coerce
    .number(rule)
    .refine((value) => Number.isInteger(value) && value >= min && value <= max, rule)
    .default(fallback);
};
export const duration = (fallback: number) => integer(fallback, 1, 366 * DAY);
export const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true');
/** Durations like `1h,24h,72h`, ascending, in milliseconds; `none`. */
export const ladder = (fallback: string) =>
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
/** Entries, comma separated; none where it is not set. */
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
export const url = z.url({ protocol: /^https?$/ });

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/**
 * A cron expression as Temporal's schedules take it: five fields, perhaps with seconds before and a year behind them,
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
/** Neither `L`, `W` nor `#`, which Temporal does not know. */
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
