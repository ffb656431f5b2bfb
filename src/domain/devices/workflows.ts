import type { AlertEvent } from './alerts';
import { eventId } from './alerts';
import type { Day } from './days';
import type { WorkflowStart } from '../platform/outbox';

/** The task queue of devices. */
export const DEVICES_QUEUE = 'longwatch-devices';

/** The DynamoDB stream of the table `DeviceData`. */
export const DEVICE_DATA_STREAM = 'device-data';
/** The Kinesis stream of readings. */
export const READINGS_STREAM = 'readings';

/** The workflow type that sends the messages of alerts. */
export const DEVICE_ALERTS_TYPE = 'deviceAlerts';

/** The argument of the `deviceAlerts` workflow. */
export interface DeviceAlertsInput {
  events: AlertEvent[];
}

/**
 * Returns the start of the workflow that sends a batch of events. An event is in one batch only, so the first event's
 * id identifies the batch (REJECT_DUPLICATE).
 */
export function deviceAlertsStart(events: readonly [AlertEvent, ...AlertEvent[]]): WorkflowStart {
  const [first] = events;
  const input: DeviceAlertsInput = { events: [...events] };
  return {
    workflowId: eventId(first),
    workflowType: DEVICE_ALERTS_TYPE,
    taskQueue: DEVICES_QUEUE,
    args: [input],
    summary:
      events.length === 1
        ? `**${first.event}** ${first.text}`
        : `${events.length} alerts, the first: **${first.event}** ${first.text}`,
    searchAttributes: { LongwatchStatus: first.event, LongwatchSubject: first.deviceId },
  };
}

/** The workflow type that finds silent devices. */
export const SILENCE_TYPE = 'silence';
/** Its workflow id, one per namespace; every worker of the queue starts it with USE_EXISTING. */
export const SILENCE_ID = 'silence';

/** The workflow type that archives a day. */
export const ARCHIVE_TYPE = 'archiveDay';
/** The workflow type that restores an archived day. */
export const RESTORE_TYPE = 'restoreDay';
/** The workflow type that deletes the files of an expired day. */
export const EXPIRE_TYPE = 'expireDay';

/**
 * Returns the workflow id of any work on a day's files: archive, restore, expiry, erasure. It serves as a lock: while
 * one runs, a second start fails (FAIL); afterwards the id can be used again (ALLOW_DUPLICATE).
 */
export const archiveWorkflowId = (day: Day): string => `archive/${day}`;

/** The argument of a workflow on a day. */
export interface DayInput {
  day: Day;
}

/** The result of archiving or restoring a day. */
export interface ArchiveReport {
  day: Day;
  rows: number;
  files: number;
}

/** The workflow type of the archiver's scan. */
export const ARCHIVE_DUE_TYPE = 'archiveDue';
/** The id of its schedule. */
export const ARCHIVE_DUE_ID = 'archive-due';

/** The result of the archiver's scan. */
export interface HousekeepingReport {
  done: Day[];
  /** Days that the next scan must process. */
  failed: Day[];
  /** Number of days of which rollups of some resolution were deleted. */
  rollupDays: number;
  /** Number of devices whose rollups could not be deleted because a step was refused permanently; absent if none. */
  skipped?: number;
}

/** The workflow type that checks the rollups of several days. */
export const ROLLUP_CHECK_TYPE = 'rollupCheck';
/** The workflow type that checks the rollups of one day. */
export const ROLLUP_CHECK_DAY_TYPE = 'rollupCheckDay';
/** The workflow id of the check of all days that a gap in the stream may affect; USE_EXISTING. */
export const ROLLUP_CHECK_ID = 'rollup-check';
/** Returns the workflow id of the check of one day; USE_EXISTING. */
export const rollupCheckId = (day: Day): string => `rollup-check/${day}`;

/** The argument of the `rollupCheck` workflow. */
export interface RollupCheckInput {
  /** Default: the days that a gap in the stream may affect. */
  days?: Day[];
}

/** The result of the `rollupCheck` workflow. */
export interface RollupCheckReport {
  days: number;
  devices: number;
  /** Number of wrong rollups that were corrected. */
  replaced: number;
  /** Days whose check was refused permanently; absent when there is none. */
  skipped?: Day[];
  /** Number of devices of the checked days whose check was refused permanently; absent when there is none. */
  skippedDevices?: number;
}

/** The workflow type that erases a device. */
export const ERASE_TYPE = 'eraseDevice';
/** The workflow type that erases a device from one day. */
export const ERASE_DAY_TYPE = 'eraseDay';

/** Returns the workflow id of an erasure; REJECT_DUPLICATE allows one start. */
export const eraseWorkflowId = (deviceId: string, requestedAt: number): string => `erase/${deviceId}/${requestedAt}`;

/** Returns the erasure of a workflow id made by {@link eraseWorkflowId}; undefined for other workflow ids. */
export function erasureOf(workflowId: string): { deviceId: string; requestedAt: number } | undefined {
  const [, deviceId, requestedAt] = /^erase\/(.+)\/(\d+)$/.exec(workflowId) ?? [];
  return deviceId === undefined ? undefined : { deviceId, requestedAt: Number(requestedAt) };
}

/** The argument of the `eraseDevice` workflow. */
export interface EraseInput {
  deviceId: string;
  /** Milliseconds until every process knows that the device is being erased. */
  waitMs: number;
}

/** The argument of the `eraseDay` workflow. */
export interface EraseDayInput {
  day: Day;
  deviceId: string;
  /** The id of the sentinel: when the stream's reader passes it, the reader has passed the device's readings. */
  mark: string;
}

/** The result of the `eraseDevice` workflow. */
export interface EraseReport {
  /** Number of days that were searched. */
  days: number;
  /** Number of rewritten files. */
  rewritten: number;
}

/** Returns the start of the workflow that erases a device. */
export function eraseStart(deviceId: string, requestedAt: number, waitMs: number): WorkflowStart {
  const input: EraseInput = { deviceId, waitMs };
  return {
    workflowId: eraseWorkflowId(deviceId, requestedAt),
    workflowType: ERASE_TYPE,
    taskQueue: DEVICES_QUEUE,
    args: [input],
    summary: `Erases device ${deviceId}`,
    searchAttributes: { LongwatchSubject: deviceId },
  };
}
