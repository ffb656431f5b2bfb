import { z } from 'zod';
import { duration, HOUR, integer, MINUTE } from './values';

/** Settings of sessions. */
export const sessionsSettings = {
  LONGWATCH_SESSION_IDLE_MS: duration(30 * MINUTE).describe(
    'Sessions: idle timeout; a session that is not used for this time ends',
  ),
  LONGWATCH_SESSION_ABSOLUTE_MS: duration(12 * HOUR).describe(
    'Sessions: absolute timeout; a session ends this time after it was opened',
  ),
  LONGWATCH_SESSION_TOUCH_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(366 * 24 * HOUR)
    .optional()
    .describe(
      'Sessions: minimum change of the expiry that a use of the session writes; default a tenth of the ' +
        'idle timeout',
    ),
  LONGWATCH_SESSION_MAX_BYTES: integer(65_536, 1, 389_120).describe('Sessions: maximum size of the data, in bytes'),
  LONGWATCH_SESSION_BUCKETS: integer(4, 1, 1_000).describe(
    'Sessions: number of session sweepers; two for each million sessions that are open at once',
  ),
  LONGWATCH_SESSION_SWEEP_MS: integer(5 * MINUTE, 1_000, HOUR).describe(
    'Sessions: maximum duration of one sweep activity; a killed worker is detected a little later than that',
  ),
  LONGWATCH_SESSION_EVENTS_TO: z
    .string()
    .regex(/^[A-Za-z0-9_.:@-]{1,64}$/)
    .optional()
    .describe(
      'Sessions: recipient of session.ended events, sent in batches over the notification channels. ' +
        'Default: no events are sent',
    ),
};
