import type { AlertEvent } from '../../domain/devices/alerts';
import { eventId } from '../../domain/devices/alerts';
import type { Day } from '../../domain/devices/days';
import type { OwedStart } from '../../domain/ledger';

export const DEVICES_QUEUE = 'longwatch-devices';

/** The stream of DeviceData. */
export const DEVICE_DATA_STREAM = 'device-data';

export const DEVICE_ALERTS_TYPE = 'deviceAlerts';

export interface DeviceAlertsInput {
  events: AlertEvent[];
}

/** The start that a batch of events owes. Each event comes in one batch only, so its id serves for all: REJECT_DUPLICATE. */
export function deviceAlertsStart(events: readonly [AlertEvent, ...AlertEvent[]]): OwedStart {
  const [first] = events;
  const input: DeviceAlertsInput = { events: [...events] };
  return {
    workflowId: eventId(first),
    workflowType: DEVICE_ALERTS_TYPE,
    taskQueue: DEVICES_QUEUE,
    args: [input],
    summary: events.length === 1 ? `**${first.event}** ${first.text}` : `${events.length} alerts, the first: **${first.event}** ${first.text}`,
    searchAttributes: { LongwatchStatus: first.event, LongwatchSubject: first.deviceId },
  };
}

export const SILENCE_TYPE = 'silence';
/** One a namespace; started with USE_EXISTING by every worker of the queue. */
export const SILENCE_ID = 'silence';

export const ARCHIVE_TYPE = 'archiveDay';

/** One a day at a time: a running one is left alone (USE_EXISTING), an ended one may run again (ALLOW_DUPLICATE), which finds what came late. */
export const archiveWorkflowId = (day: Day): string => `archive/${day}`;

export interface ArchiveInput {
  day: Day;
}

export const ARCHIVE_DUE_TYPE = 'archiveDue';
/** A schedule, once a day. */
export const ARCHIVE_DUE_ID = 'archive-due';

export const RESTORE_TYPE = 'restoreDay';
export const restoreWorkflowId = (day: Day): string => `restore/${day}`;

export const ERASE_TYPE = 'eraseDevice';
/** One a device at a time; an ended one may run again. */
export const eraseWorkflowId = (deviceId: string): string => `erase/${deviceId}`;

export interface EraseInput {
  deviceId: string;
  /** Epoch ms. */
  requestedAt: number;
}
