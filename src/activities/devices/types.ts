import type { AlertEvent } from '../../domain/devices/alerts';
import type { ArchivePlan, Lane, Manifest, Part } from '../../domain/devices/archive';
import type { Day } from '../../domain/devices/days';
import type { CheckedRollups, DeletedRollups } from '../../domain/devices/rollup';

/** What the workflows of devices may ask for. Every one may run twice. Those over many rows heartbeat. */
export interface DeviceActivities {
  /** Tells people of alerts that were raised or cleared. */
  tellAlerts(events: readonly AlertEvent[]): Promise<void>;
  /**
   * Looks at deadlines of devices that are due, again and again, for about an hour. @returns how many alerts it raised.
   */
  watchSilence(): Promise<number>;

  planArchive(day: Day): Promise<ArchivePlan>;
  writeLane(plan: ArchivePlan, lane: Lane): Promise<Part[]>;
  writeManifest(plan: ArchivePlan, parts: readonly Part[]): Promise<{ rows: number; parts: number }>;
  verifyPart(day: Day, part: Part): Promise<void>;
  /** Makes the manifest the day's own, as `deleting`. */
  commitArchive(plan: ArchivePlan): Promise<void>;
  /** Parts whose rows are to leave the table. */
  partsToDelete(plan: ArchivePlan): Promise<Part[]>;
  deletePart(day: Day, part: Part): Promise<void>;
  finishArchive(day: Day, generation: number): Promise<void>;

  beginRestore(day: Day): Promise<Manifest>;
  restorePart(day: Day, part: Part): Promise<void>;
  finishRestore(day: Day, generation: number): Promise<void>;
  expireDay(day: Day): Promise<void>;

  /** Days to archive or to let go of. */
  dueDays(): Promise<{ day: Day; what: 'archive' | 'expire' }[]>;
  /** @returns how many days were done; with how many devices were skipped, where one was. */
  deleteRollups(): Promise<number | DeletedRollups>;

  /** Days whose rollups a gap in the stream may have left short. */
  daysToCheck(): Promise<Day[]>;
  /** Compares the rollups of one bucket of a day's devices with their readings. */
  checkRollups(day: Day, bucket: number): Promise<CheckedRollups>;

  /** Days that may hold something of a device. */
  daysOfDevice(deviceId: string): Promise<Day[]>;
  /** Deletes a day's rows of a device from the table, and its rows in the archive by writing its parts anew. */
  eraseRows(day: Day, deviceId: string, mark: string): Promise<void>;
  rewriteDay(day: Day, deviceId: string): Promise<{ rewritten: number }>;
  /** Waits until the stream's reader has passed the marks of some days. */
  awaitMarks(deviceId: string, days: readonly Day[], mark: string): Promise<void>;
  eraseRest(deviceId: string, days: readonly Day[], mark: string): Promise<void>;
  /** Looks everywhere once more, and lets the device begin anew if nothing is left. @returns what is. */
  finishErasure(deviceId: string): Promise<string[]>;
}
