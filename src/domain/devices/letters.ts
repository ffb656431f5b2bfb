import type { Notification } from '../platform/notification';
import { type AlertEvent, eventId } from './alerts';

/** Returns the message about an alert that was raised or cleared. One event gives the same message id each time. */
export function alertLetter(event: AlertEvent): Notification {
  const { alertId, deviceId, recipient, text, at } = event;
  const subject = `${event.event === 'raised' ? 'Alert' : 'Over'}: ${alertId} of ${deviceId}`;
  return { id: eventId(event), recipient, subject, text, at };
}
