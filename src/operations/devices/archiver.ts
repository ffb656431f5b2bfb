import {
  type ArchivedDay,
  type ArchivePlan,
  type Lane,
  lanesOf,
  type Manifest,
  manifestOf,
  nextPart,
  type ArchiveFile,
  PARTS_PER_LANE,
} from '../../domain/devices/archive';
import { type Day } from '../../domain/devices/days';
import { compareRows, type ReadingRow } from '../../domain/devices/reading';
import { archivableFrom } from '../../domain/devices/retention';
import { LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import type { DeviceArchive } from '../../gateways/devices/deviceArchive';
import type { ArchiveStore } from '../../stores/devices/archives';
import type { DayStore } from '../../stores/devices/days';
import { DEVICE_BUCKETS } from '../../stores/devices/keys';
import type { ReadingStore } from '../../stores/devices/readings';
import { type OnSkipped, skipEachRefused, skipRefused } from '../platform/isolate';
import { type DeviceStretch, tableRows } from './tableRows';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link Archiver} needs. */
export interface ArchiverParts {
  readings: ReadingStore;
  days: DayStore;
  archives: ArchiveStore;
  archive: DeviceArchive;
  onSkipped?: OnSkipped;
  clock?: Clock;
}

/** The signal and the progress callback of a long step. */
export interface StepContext {
  signal: AbortSignal;
  /** Called regularly with the progress, for the activity's heartbeat. */
  alive(done: number): void;
}

/** Number of rows that are deleted at once. */
const DELETE_ROWS = 1_000;

/**
 * The steps of archiving a day. Each step may be repeated. No two jobs work on the files of a day at once, because all
 * of them run under one workflow id.
 */
export class Archiver {
  private readonly clock: Clock;

  constructor(
    private readonly parts: ArchiverParts,
    private readonly settings: { archiveAfterMs: number },
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /** @throws LongwatchError `conflict` if the day may not be archived yet */
  assertDue(day: Day): void {
    const from = archivableFrom(day, this.settings.archiveAfterMs);
    if (this.clock.now() < from) throw new LongwatchError('conflict', `${day} can be archived from ${iso(from)} on`);
  }

  /**
   * Plans the archiving of a day. If an earlier run died while it deleted rows, or a restore died, the run must only
   * delete rows: the plan has no lanes and keeps the generation.
   * @throws LongwatchError `conflict` if the day may not be archived yet, or retention deleted its files
   */
  async plan(day: Day): Promise<ArchivePlan> {
    const { days, archives, archive } = this.parts;
    this.assertDue(day);
    const record = await archives.find(day);
    if (record?.state === 'expired')
      throw new LongwatchError('conflict', `The archive of ${day} was deleted by retention`);
    if (record?.state === 'deleting' || record?.state === 'restoring')
      return { day, generation: record.generation, lanes: [], isRestored: record.state === 'restoring' };
    const before = record && (await archive.manifest(day, record.generation));
    await archive.clear(day, before ? [before] : []);
    const counts = await Promise.all(
      Array.from({ length: DEVICE_BUCKETS }, (_, bucket) =>
        (record ? days.lateDevices(day, bucket) : days.devices(day, bucket)).then(({ length }) => length),
      ),
    );
    return {
      day,
      generation: (record?.generation ?? 0) + 1,
      lanes: lanesOf(
        counts.reduce((sum, count) => sum + count, 0),
        DEVICE_BUCKETS,
        nextPart(before?.parts ?? []),
      ),
      isRestored: record?.state === 'restored',
    };
  }

  /** Writes the rows of a lane that are not archived yet. The same rows always produce the same files. */
  async writeLane(
    { day, generation }: ArchivePlan,
    { buckets, firstPart }: Lane,
    { signal, alive }: StepContext,
  ): Promise<ArchiveFile[]> {
    const devices = (await this.devicesOf(day, generation, buckets)).map((deviceId) => ({ deviceId }));
    const { readings, archive } = this.parts;
    async function* rows(): AsyncGenerator<ReadingRow[]> {
      let done = 0;
      for await (const some of tableRows(readings, day, devices)) {
        signal.throwIfAborted();
        alive((done += some.length));
        yield some.filter(({ restored }) => !restored);
      }
    }
    return archive.write(rows(), { day, first: firstPart, maxParts: PARTS_PER_LANE, signal });
  }

  private async devicesOf(day: Day, generation: number, buckets: readonly number[]): Promise<string[]> {
    const { days } = this.parts;
    const lists = await Promise.all(
      buckets.map(async (bucket) =>
        generation === 1
          ? days.devices(day, bucket)
          : (await days.lateDevices(day, bucket)).map(({ deviceId }) => deviceId),
      ),
    );
    return lists.flat().sort();
  }

  /** Writes the day's manifest: the parts of the previous manifest, and the new parts. */
  async writeManifest({ day, generation }: ArchivePlan, parts: readonly ArchiveFile[]): Promise<Manifest> {
    const before = generation > 1 ? (await this.parts.archive.manifest(day, generation - 1)).parts : [];
    const manifest = manifestOf(day, generation, [...before, ...parts]);
    await this.parts.archive.writeManifest(manifest);
    return manifest;
  }

  /**
   * Reads a stored part and compares it with the table, row by row.
   * @throws LongwatchError `conflict` if they differ; then nothing is deleted
   */
  async verifyPart(day: Day, part: ArchiveFile, { signal, alive }: StepContext): Promise<void> {
    const { archive, readings } = this.parts;
    await this.checkSum(day, part);
    let count = 0;
    let last: ReadingRow | undefined;
    for await (const rows of archive.rows(day, part)) {
      signal.throwIfAborted();
      const table = new Rows(tableRows(readings, day, stretchesOf(rows)));
      for (const row of rows) {
        if (last && compareKeys(last, row) >= 0)
          throw new LongwatchError(
            'conflict',
            `${part.name} of ${day} is not in order at ${row.deviceId} ${iso(row.timestamp)}`,
          );
        last = row;
        const stored = await table.seek(row);
        if (!stored || !isSame(stored, row))
          throw new LongwatchError(
            'conflict',
            `${part.name} of ${day} and the table differ at ${row.deviceId} ${iso(row.timestamp)}; nothing was deleted`,
          );
      }
      alive((count += rows.length));
    }
    if (count !== part.rows)
      throw new LongwatchError(
        'conflict',
        `${part.name} of ${day} has ${count} rows, not ${part.rows}; nothing was deleted`,
      );
  }

  private async checkSum(day: Day, part: ArchiveFile): Promise<void> {
    const found = await this.parts.archive.checksum(day, part);
    if (found !== part.sha256)
      throw new LongwatchError(
        'conflict',
        `${part.name} of ${day} has the SHA-256 ${found}, not ${part.sha256}; nothing was deleted`,
      );
  }

  /** Makes the verified manifest the current one. From then on, reads use the archive and rows may be deleted. */
  async commit(
    { day, generation }: Pick<ArchivePlan, 'day' | 'generation'>,
    state: ArchivedDay['state'],
  ): Promise<ArchivedDay> {
    const { rows, parts } = await this.parts.archive.manifest(day, generation);
    const now = this.clock.now();
    const record: ArchivedDay = {
      day,
      generation,
      state,
      rows,
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      parts: parts.length,
      archivedAt: now,
      since: now,
    };
    await this.parts.archives.commit(record);
    return record;
  }

  /**
   * Returns the parts whose rows must be deleted from the table. If an earlier run died while it deleted, these are all
   * parts.
   */
  async partsToDelete({ day, generation, lanes, isRestored }: ArchivePlan): Promise<ArchiveFile[]> {
    const { parts } = await this.parts.archive.manifest(day, generation);
    if (generation === 1 || isRestored || lanes.length === 0) return [...parts];
    const before = new Set((await this.parts.archive.manifest(day, generation - 1)).parts.map(({ name }) => name));
    return parts.filter(({ name }) => !before.has(name));
  }

  /** Deletes the rows of a part from the table. Rows never change, so a row with the same key is the same row. */
  async deletePart(day: Day, part: ArchiveFile, { signal, alive }: StepContext): Promise<void> {
    const { archive, readings } = this.parts;
    await this.checkSum(day, part);
    let done = 0;
    for await (const rows of archive.rows(day, part))
      for (let i = 0; i < rows.length; i += DELETE_ROWS) {
        signal.throwIfAborted();
        const some = rows.slice(i, i + DELETE_ROWS);
        // A row that cannot be deleted is still read once: a read merges table and archive by key.
        await this.skipping(`deleting an archived reading of ${day}`, some, (them) => readings.delete(them));
        alive((done += some.length));
      }
  }

  /** Marks the day as archived, and removes the late marker of devices without rows in the table. */
  async finish(day: Day, generation: number): Promise<void> {
    const { days, readings, archives, archive } = this.parts;
    for (let bucket = 0; bucket < DEVICE_BUCKETS; bucket++)
      await skipEachRefused(
        await days.lateDevices(day, bucket),
        1,
        async (late) => {
          // Check the rows after the marker was read: a reading that arrives meanwhile writes a new marker.
          const { rows } = await readings.page({ deviceId: late.deviceId, day, limit: 1 });
          if (rows.length === 0) await days.forgetLate(day, late);
        },
        this.reporter(`the late marker of ${day}`),
      );
    await archives.move(day, generation, 'archived', this.clock.now());
    await archive.clear(day, [await archive.manifest(day, generation)]);
  }

  /**
   * Begins to restore a day.
   * @throws LongwatchError `notFound` (not archived), `conflict` (rows are being deleted, or retention deleted the
   *   files)
   */
  async beginRestore(day: Day): Promise<Manifest> {
    const record = await this.parts.archives.find(day);
    if (!record) throw new LongwatchError('notFound', `${day} is not archived`);
    if (record.state === 'deleting' || record.state === 'expired')
      throw new LongwatchError('conflict', `${day} is in the state ${record.state}, so it cannot be restored`);
    await this.parts.archives.move(day, record.generation, 'restoring', this.clock.now());
    return this.parts.archive.manifest(day, record.generation);
  }

  /**
   * Writes the rows of a part into the table, flagged as restored. Writes a late marker for each device, so that the
   * next archiving includes them.
   */
  async restorePart(day: Day, part: ArchiveFile, { signal, alive }: StepContext): Promise<void> {
    const { archive, readings, days } = this.parts;
    let done = 0;
    for await (const rows of archive.rows(day, part)) {
      signal.throwIfAborted();
      const devices = [...new Set(rows.map(({ deviceId }) => deviceId))].map((deviceId) => ({ deviceId }));
      // Restore no row of a device without a late marker: no archiving would find it. Its rows stay in the files.
      const unmarked = await this.skipping(`the late marker of restored readings of ${day}`, devices, (some) =>
        days.noteAllLate(
          day,
          some.map(({ deviceId }) => deviceId),
          `restored ${part.name}`,
        ),
      );
      const left = new Set([...unmarked].map(({ deviceId }) => deviceId));
      await this.skipping(
        `restoring a reading of ${day}`,
        rows.filter(({ deviceId }) => !left.has(deviceId)),
        (some) => readings.restore(some),
      );
      alive((done += rows.length));
    }
  }

  /**
   * Does a step for rows or devices. Skips and reports those whose step is refused permanently; their rows stay in the
   * files.
   */
  private skipping<T extends { deviceId: string }>(
    what: string,
    entities: readonly T[],
    work: (some: readonly T[]) => Promise<unknown>,
  ): Promise<Set<T>> {
    return skipRefused(entities, work, this.reporter(what));
  }

  private reporter =
    (what: string) =>
    ({ deviceId }: { deviceId: string }, error: unknown): void =>
      this.parts.onSkipped?.(`${what} of ${deviceId}`, error);

  /** Marks a day as restored. */
  async finishRestore(day: Day, generation: number): Promise<void> {
    await this.parts.archives.move(day, generation, 'restored', this.clock.now());
  }

  /** Deletes the files of a day permanently. */
  async expire(day: Day): Promise<void> {
    const record = await this.parts.archives.find(day);
    if (!record) return;
    // Mark the day as expired first, so that reads no longer look for its files.
    await this.parts.archives.move(day, record.generation, 'expired', this.clock.now());
    await this.parts.archive.clear(day, []);
  }
}

/** Returns the devices of consecutive rows, each with the period of its rows. */
function stretchesOf(rows: readonly ReadingRow[]): Required<DeviceStretch>[] {
  const stretches: Required<DeviceStretch>[] = [];
  for (const { deviceId, timestamp } of rows) {
    const last = stretches.at(-1);
    if (last?.deviceId === deviceId) last.to = timestamp + 1;
    else stretches.push({ deviceId, from: timestamp, to: timestamp + 1 });
  }
  return stretches;
}

/** Compares rows in the order of a part: device, time, id. */
const compareKeys = (a: ReadingRow, b: ReadingRow): number =>
  a.deviceId < b.deviceId ? -1 : a.deviceId > b.deviceId ? 1 : compareRows(a, b);

const isSame = (a: ReadingRow, b: ReadingRow): boolean =>
  a.metrics === b.metrics && a.status === b.status && a.latitude === b.latitude && a.longitude === b.longitude;

/** Reads ordered rows one by one. */
class Rows {
  private rows: ReadingRow[] = [];
  private at = 0;

  constructor(private readonly source: AsyncGenerator<ReadingRow[]>) {}

  /** Skips to the row with the same key as `wanted`; returns undefined if there is none. */
  async seek(wanted: ReadingRow): Promise<ReadingRow | undefined> {
    for (;;) {
      while (this.at < this.rows.length) {
        const row = this.rows[this.at];
        const order = row ? compareKeys(row, wanted) : 1;
        if (order > 0) return undefined;
        this.at++;
        if (order === 0) return row;
      }
      const { value, done } = await this.source.next();
      if (done) return undefined;
      [this.rows, this.at] = [value, 0];
    }
  }
}
