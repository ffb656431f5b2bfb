import { Context } from '@temporalio/activity';
import { type AlertEvent, eventId } from '../../domain/devices/alerts';
import { isLongwatchError } from '../../domain/errors';
import type { SilenceWatch } from '../../operations/devices/silenceWatch';
import type { Notifications } from '../../operations/notifications';
import { asFailure } from '../failures';
import { within } from '../within';
import type { DeviceActivities } from './types';

export interface DeviceActivityParts {
  notifications: Notifications;
  silenceWatch: SilenceWatch;
  /** How long one attempt of a long activity works; default an hour. */
  attemptMs?: number;
}

const HOUR_MS = 60 * 60_000;

export function deviceActivities(parts: DeviceActivityParts): DeviceActivities {
  const { silenceWatch, attemptMs = HOUR_MS } = parts;
  return {
    tellAlerts: (events) => asFailure(() => tellAlerts(parts, events)),
    async watchSilence() {
      const { cancellationSignal } = Context.current();
      const raised = await asFailure(() =>
        within(cancellationSignal, attemptMs, (signal) => silenceWatch.run({ signal, forMs: attemptMs, heartbeat: (count) => Context.current().heartbeat(count) })),
      );
      cancellationSignal.throwIfAborted(); // On a shutdown another worker goes on at once.
      return raised;
    },
  };
}

async function tellAlerts({ notifications }: DeviceActivityParts, events: readonly AlertEvent[]): Promise<void> {
  for (const event of events) {
    const { alertId, deviceId, recipient, text, at } = event;
    const subject = `${event.event === 'raised' ? 'Alert' : 'Over'}: ${alertId} of ${deviceId}`;
    try {
      await notifications.send({ id: eventId(event), recipient, subject, text, at });
    } catch (error) {
      // No channel will ever take this one, which is on record; the others are to go out all the same.
      if (!isLongwatchError(error, 'refused')) throw error;
    }
    Context.current().heartbeat();
  }
}
