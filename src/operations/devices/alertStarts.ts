import type { AlertEvent } from '../../domain/devices/alerts';
import { startEntry } from '../../domain/platform/outbox';
import type { TransactItem } from '../../stores/platform/outbox';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { deviceAlertsStart } from '../../domain/devices/workflows';
import { type Clock, systemClock } from '../../timing/clock';

/** Maximum number of events in one batch, because an item has at most 400 KB. Further events are not notified. */
const MAX_EVENTS = 500;

/**
 * Makes the outbox entries that start the notifications of alerts. They are recorded in one transaction with the
 * readings that caused the alerts.
 */
export class AlertStarts {
  constructor(
    private readonly outbox: Pick<OutboxWriter, 'recording'>,
    private readonly clock: Clock = systemClock,
  ) {}

  /**
   * Returns the items of a `TransactWriteItems` that record one workflow start for all events; empty without events.
   */
  recording(events: readonly AlertEvent[]): TransactItem[] {
    const [first, ...rest] = events.slice(0, MAX_EVENTS);
    return first ? [this.outbox.recording(startEntry(deviceAlertsStart([first, ...rest]), this.clock.now()))] : [];
  }
}
