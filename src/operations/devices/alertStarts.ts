import type { AlertEvent } from '../../domain/devices/alerts';
import { startEntry } from '../../domain/platform/outbox';
import type { TransactItem } from '../../stores/platform/outbox';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { deviceAlertsStart } from '../../domain/devices/workflows';

/** Of one batch; an item takes 400 KB. What flaps more often than that within seconds is told of so often only. */
const MAX_EVENTS = 500;

/** What people are to be told of alerts, owed with the readings that caused it. */
export class AlertStarts {
  constructor(
    private readonly outbox: Pick<OutboxWriter, 'recording'>,
    private readonly now: () => number = Date.now,
  ) {}

  /** The parts of a `TransactWriteItems` that owe the messages of some events: one start, or none. */
  owe(events: readonly AlertEvent[]): TransactItem[] {
    const [first, ...rest] = events.slice(0, MAX_EVENTS);
    return first ? [this.outbox.recording(startEntry(deviceAlertsStart([first, ...rest]), this.now()))] : [];
  }
}
