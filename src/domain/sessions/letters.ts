import { iso } from '../ids';
import type { Notification } from '../platform/notification';
import type { SessionEnded } from './session';

/**
 * Returns the message `session.ended` with the events of ended sessions, as JSON.
 * @param events at least one; the message has the time of the latest
 */
export function sessionsEndedLetter(id: string, recipient: string, events: readonly SessionEnded[]): Notification {
  return {
    id,
    recipient,
    subject: 'session.ended',
    text: JSON.stringify({
      type: 'session.ended',
      events: events.map(({ at, ...event }) => ({ ...event, at: iso(at) })),
    }),
    at: Math.max(...events.map(({ at }) => at)),
  };
}
