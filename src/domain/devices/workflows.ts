import type { AlertEvent } from './alerts';
import { eventId } from './alerts';
import type { Day } from './days';
import type { WorkflowStart } from '../platform/outbox';

export const DEVICES_QUEUE = 'longwatch-devices';

/** The stream of DeviceData. */
export const DEVICE_DATA_STREAM = 'device-data';
/** The Kinesis stream of readings. */
export const READINGS_STREAM = 'readings';

export const DEVICE_ALERTS_TYPE = 'deviceAlerts';

export interface DeviceAlertsInput {
  events: AlertEvent[];
}

/**
 * The start that a batch of events owes. Each event comes in one batch only, so its id serves for all:
 * REJECT_DUPLICATE.
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

export const SILENCE_TYPE = 'silence';
/** One a namespace; started with USE_EXISTING by every worker of the queue. */
export const SILENCE_ID = 'silence';

export const ARCHIVE_TYPE = 'archiveDay';
export const RESTORE_TYPE = 'restoreDay';
export const EXPIRE_TYPE = 'expireDay';

/**
 * One a day at a time, whatever is done to its files: archive, restore, expire, erase from. The workflow is the lease:
 * a second one is refused while one runs (FAIL), and may run afterwards (ALLOW_DUPLICATE).
 */
export const archiveWorkflowId = (day: Day): string => `archive/${day}`;

export interface DayInput {
  day: Day;
}

export interface ArchiveReport {
  day: Day;
  rows: number;
  files: number;
}

export const ARCHIVE_DUE_TYPE = 'archiveDue';
/** A schedule. */
export const ARCHIVE_DUE_ID = 'archive-due';

export interface HousekeepingReport {
  done: Day[];
  /** Left to the next look. */
  failed: Day[];
  /** Days whose rollups of some resolution were deleted. */
  rollupDays: number;
  /** Devices whose rollups could not be deleted, because a step was refused for good; absent where there is none. */
  skipped?: number;
}

export const ROLLUP_CHECK_TYPE = 'rollupCheck';
export const ROLLUP_CHECK_DAY_TYPE = 'rollupCheckDay';
/** Of the days that a gap in the stream may have hit; USE_EXISTING. */
export const ROLLUP_CHECK_ID = 'rollup-check';
/** Of one day; USE_EXISTING. */
export const rollupCheckId = (day: Day): string => `rollup-check/${day}`;

export interface RollupCheckInput {
  /** Default: those that a gap in the stream may have hit. */
  days?: Day[];
}

export interface RollupCheckReport {
  days: number;
  devices: number;
  /** Rollups that were wrong, and are right now. */
  replaced: number;
  /** Days that could not be checked, because a step was refused for good; absent where there is none. */
  skipped?: Day[];
  /** Devices of the days that were checked for which a step was refused for good; absent where there is none. */
  skippedDevices?: number;
}

export const ERASE_TYPE = 'eraseDevice';
export const ERASE_DAY_TYPE = 'eraseDay';

/** One an erasure; started once: REJECT_DUPLICATE. */
export const eraseWorkflowId = (deviceId: string, requestedAt: number): string => `erase/${deviceId}/${requestedAt}`;

/** The erasure of a workflow id that {@link eraseWorkflowId} made. */
export function erasureOf(workflowId: string): { deviceId: string; requestedAt: number } | undefined {
  const [, deviceId, requestedAt] = /^erase\/(.+)\/(\d+)$/.exec(workflowId) ?? [];
  return deviceId === undefined ? undefined : { deviceId, requestedAt: Number(requestedAt) };
}

export interface EraseInput {
  deviceId: string;
  /** Until every process knows that the device is being erased. */
  waitMs: number;
}

export interface EraseDayInput {
  day: Day;
  deviceId: string;
  /** By which the stream's reader tells that it has passed the device's readings. */
  mark: string;
}

export interface EraseReport {
  /** Days that were looked through. */
  days: number;
  /** Files that were written anew. */
  rewritten: number;
}

/** The start that the request to erase a device owes. */
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
