import type { AlertEvent } from '../../domain/devices/alerts';
import type { ArchivePlan, Lane, Manifest, ArchiveFile } from '../../domain/devices/archive';
import type { Day } from '../../domain/devices/days';
import type { CheckedRollups, DeletedRollups } from '../../domain/devices/rollup';

/** The activities of the devices' workflows. Each attempt may be repeated. Those on many rows heartbeat. */
export interface DeviceActivities {
  /** Sends the messages of raised and cleared alerts. */
  tellAlerts(events: readonly AlertEvent[]): Promise<void>;
  /** Raises silence alerts at the due deadlines of devices, for about an hour. @returns the number of raised alerts. */
  watchSilence(): Promise<number>;

  /** Plans the archive of a day: the generation of its manifest, and the lanes that write it. */
  planArchive(day: Day): Promise<ArchivePlan>;
  /** Writes the rows of a lane's devices to files. @returns the files. */
  writeLane(plan: ArchivePlan, lane: Lane): Promise<ArchiveFile[]>;
  /** Writes the manifest of the files. */
  writeManifest(plan: ArchivePlan, parts: readonly ArchiveFile[]): Promise<{ rows: number; parts: number }>;
  /** Compares a file with the rows of the table. */
  verifyPart(day: Day, part: ArchiveFile): Promise<void>;
  /** Makes the plan's manifest the current one of the day, in state `deleting`. */
  commitArchive(plan: ArchivePlan): Promise<void>;
  /** Returns the files whose rows must be deleted from the table. */
  partsToDelete(plan: ArchivePlan): Promise<ArchiveFile[]>;
  /** Deletes the rows of a file from the table. */
  deletePart(day: Day, part: ArchiveFile): Promise<void>;
  /** Completes the archive of a day. */
  finishArchive(day: Day, generation: number): Promise<void>;

  /** Begins the restore of an archived day. @returns its manifest. */
  beginRestore(day: Day): Promise<Manifest>;
  /** Writes the rows of a file back to the table. */
  restorePart(day: Day, part: ArchiveFile): Promise<void>;
  /** Completes the restore of a day. */
  finishRestore(day: Day, generation: number): Promise<void>;
  /** Deletes the files of an archived day whose retention is over. */
  expireDay(day: Day): Promise<void>;

  /** Returns the days to archive and the archived days to expire. */
  dueDays(): Promise<{ day: Day; what: 'archive' | 'expire' }[]>;
  /** Deletes expired rollups. @returns the number of days; if devices were skipped, also their number. */
  deleteRollups(): Promise<number | DeletedRollups>;

  /** Returns the days whose rollups may lack readings because of a gap in the stream. */
  daysToCheck(): Promise<Day[]>;
  /** Compares the rollups of one bucket of a day's devices with their readings, and corrects them. */
  checkRollups(day: Day, bucket: number): Promise<CheckedRollups>;

  /** Returns the days on which the table or the archive may have data of a device. */
  daysOfDevice(deviceId: string): Promise<Day[]>;
  /** Deletes a day's rows of a device from the table, and then writes the sentinel `mark` to the stream. */
  eraseRows(day: Day, deviceId: string, mark: string): Promise<void>;
  /** Rewrites the archived files of a day without the rows of a device. */
  rewriteDay(day: Day, deviceId: string): Promise<{ rewritten: number }>;
  /** Waits until the stream's reader has passed the sentinels of some days. */
  awaitMarks(deviceId: string, days: readonly Day[], mark: string): Promise<void>;
  /** Deletes the device's rollups and alerts, and its entries in the lists of days. */
  eraseRest(deviceId: string, days: readonly Day[], mark: string): Promise<void>;
  /** Verifies that no data of the device is left, and then ends its erasure. @returns the data that is left. */
  finishErasure(deviceId: string): Promise<string[]>;
}
