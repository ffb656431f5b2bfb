import { z } from 'zod';
import { duration, HOUR, integer, MINUTE } from './values';

/** Settings of sessions. */
export const sessionsSettings = {
  LONGWATCH_SESSION_IDLE_MS: duration(30 * MINUTE).describe(
    'Sessions: a session that is not used for so long has ended',
  ),
  LONGWATCH_SESSION_ABSOLUTE_MS: duration(12 * HOUR).describe(
    'Sessions: a session that was opened so long ago has ended',
  ),
  LONGWATCH_SESSION_TOUCH_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(366 * 24 * HOUR)
    .optional()
    .describe('Sessions: a use that moves the expiry by less is not written; default a tenth of the idle timeout'),
  LONGWATCH_SESSION_MAX_BYTES: integer(65_536, 1, 389_120).describe('Sessions: larger data is refused'),
  LONGWATCH_SESSION_BUCKETS: integer(4, 1, 1_000).describe(
    'Sessions: sweepers; two for each million sessions that are in use at once',
  ),
  LONGWATCH_SESSION_SWEEP_MS: integer(5 * MINUTE, 1_000, HOUR).describe(
    'Sessions: how long one activity sweeps while sessions keep coming due; a killed worker is noticed a little ' +
      'later than that',
  ),
  LONGWATCH_SESSION_EVENTS_TO: z
    .string()
    .regex(/^[A-Za-z0-9_.:@-]{1,64}$/)
    .optional()
    .describe(
      'Sessions: recipient of session.ended, in batches over the notification channels; without it nobody is told',
    ),
};
