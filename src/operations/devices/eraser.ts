import { type Manifest, manifestOf, nextPart, type ArchiveFile } from '../../domain/devices/archive';
import { addDays, type Day, DAY_MS, dayOf, dayStart } from '../../domain/devices/days';
import type { ReadingRow } from '../../domain/devices/reading';
import { limits } from '../../domain/devices/limits';
import { LongwatchError } from '../../domain/errors';
import type { DeviceArchive } from '../../gateways/devices/deviceArchive';
import type { ArchiveStore } from '../../stores/devices/archives';
import type { DayStore } from '../../stores/devices/days';
import type { DeviceStore } from '../../stores/devices/devices';
import type { ReadingStore } from '../../stores/devices/readings';
import type { RollupStore } from '../../stores/devices/rollups';
import type { SentinelStore } from '../../stores/devices/sentinels';
import type { StepContext } from './archiver';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link Eraser} needs. */
export interface EraserParts {
  readings: ReadingStore;
  days: DayStore;
  devices: DeviceStore;
  rollups: RollupStore;
  sentinels: SentinelStore;
  archives: ArchiveStore;
  archive: DeviceArchive;
  clock?: Clock;
}

/** A part that must be rewritten without one device. */
export interface Rewrite {
  part: ArchiveFile;
  /** Number of the new part. */
  number: number;
}

/** Maximum number of remaining items that a report names. */
const MAX_NAMED = 20;
/** Readings can be no older than the product. */
const FIRST_YEAR = 2020;

/**
 * The steps of erasing a device. Each step may be repeated. Before the first step, every process already refuses
 * readings of the device.
 */
export class Eraser {
  private readonly clock: Clock;

  constructor(
    private readonly parts: EraserParts,
    private readonly settings: { lateWindowMs: number },
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /** Returns the days whose rows may be in the table because readings are still accepted for them. */
  private openDays(): Day[] {
    const now = this.clock.now();
    const days: Day[] = [];
    for (
      let day = dayOf(now - this.settings.lateWindowMs - DAY_MS);
      dayStart(day) <= now + limits.aheadMs;
      day = addDays(day, 1)
    )
      days.push(day);
    return days;
  }

  /** Returns the days that may contain data of a device in the table or the archive, oldest first. */
  async days(deviceId: string): Promise<Day[]> {
    const { archives, readings, archive } = this.parts;
    const found = new Set<Day>();
    for (const day of this.openDays()) found.add(day);
    for await (const { day, generation, state } of archives.between('0000', '9999', { isComplete: true })) {
      if (state === 'expired' || found.has(day)) continue;
      const { parts } = await archive.manifest(day, generation);
      const isHeld = (await Promise.all(parts.map((part) => archive.holds(day, part, deviceId)))).includes(true);
      if (isHeld || (await readings.hasRows(deviceId, day))) found.add(day);
    }
    return [...found].sort();
  }

  /**
   * Deletes a device's rows of a day from the table, then writes a sentinel. The stream reader sees the sentinel after
   * it has read everything before it.
   */
  async eraseRows(day: Day, deviceId: string, mark: string, { signal, alive }: StepContext): Promise<void> {
    const { readings, sentinels } = this.parts;
    let done = 0;
    for await (const rows of readings.deleteDay(deviceId, day)) {
      alive((done += rows));
      signal.throwIfAborted();
    }
    await sentinels.put(deviceId, day, mark);
  }

  /** Returns the parts of a day that contain rows of a device, and the generation of the manifest without them. */
  async planRewrite(day: Day, deviceId: string): Promise<{ generation: number; rewrites: Rewrite[] }> {
    const { archives, archive } = this.parts;
    const record = await archives.find(day);
    if (!record || record.state === 'expired') return { generation: 0, rewrites: [] };
    const { parts } = await archive.manifest(day, record.generation);
    const holding: ArchiveFile[] = [];
    for (const part of parts) if (await archive.holds(day, part, deviceId)) holding.push(part);
    const first = nextPart(parts);
    return { generation: record.generation + 1, rewrites: holding.map((part, i) => ({ part, number: first + i })) };
  }

  /**
   * Writes a part without the rows of a device, and verifies it.
   * @returns undefined if no row is left
   * @throws LongwatchError `unavailable` if the written part is wrong; the activity then writes it again
   */
  async rewrite(
    day: Day,
    deviceId: string,
    { part, number }: Rewrite,
    { signal, alive }: StepContext,
  ): Promise<ArchiveFile | undefined> {
    const { archive } = this.parts;
    async function* kept(): AsyncGenerator<ReadingRow[]> {
      let done = 0;
      for await (const rows of archive.rows(day, part)) {
        signal.throwIfAborted();
        alive((done += rows.length));
        yield rows.filter((row) => row.deviceId !== deviceId);
      }
    }
    const [written] = await archive.write(kept(), { day, first: number, maxParts: 1, signal });
    if (!written) return undefined;
    await this.verify(day, deviceId, part, written, { signal, alive });
    return written;
  }

  /** Compares the new part with the old one without the device, row by row. */
  private async verify(
    day: Day,
    deviceId: string,
    old: ArchiveFile,
    written: ArchiveFile,
    { signal }: StepContext,
  ): Promise<void> {
    const { archive } = this.parts;
    const differ = () =>
      new LongwatchError(
        'unavailable',
        `${written.name} of ${day} is not ${old.name} without ${deviceId}; it is written again`,
      );
    if ((await archive.checksum(day, written)) !== written.sha256) throw differ();
    const after = flat(archive.rows(day, written));
    for await (const rows of archive.rows(day, old)) {
      signal.throwIfAborted();
      for (const row of rows) {
        if (row.deviceId === deviceId) continue;
        const { value } = await after.next();
        if (JSON.stringify(value) !== JSON.stringify(row)) throw differ();
      }
    }
    if (!(await after.next()).done) throw differ();
  }

  /** Makes the new parts current, and deletes the old ones. */
  async commit(
    day: Day,
    generation: number,
    rewrites: readonly Rewrite[],
    written: readonly ArchiveFile[],
  ): Promise<void> {
    const { archives, archive } = this.parts;
    const record = await archives.find(day);
    if (!record || record.state === 'expired') return;
    if (rewrites.length > 0) {
      const before: Manifest = await archive.manifest(day, generation - 1);
      const gone = new Set(rewrites.map(({ part }) => part.name));
      const manifest = manifestOf(day, generation, [...before.parts.filter(({ name }) => !gone.has(name)), ...written]);
      await archive.writeManifest(manifest);
      const bytes = manifest.parts.reduce((sum, part) => sum + part.bytes, 0);
      await archives.commit({ ...record, generation, rows: manifest.rows, bytes, parts: manifest.parts.length });
    }
    // Needed even without a rewrite: an earlier run may have died just before this.
    await archive.clear(day, [await archive.manifest(day, rewrites.length > 0 ? generation : record.generation)]);
  }

  /** Returns whether the stream reader has read everything that was written before the sentinels. */
  async isRead(deviceId: string, days: readonly Day[], mark: string): Promise<boolean> {
    for (const day of days) if (!(await this.parts.sentinels.isSeen(deviceId, day, mark))) return false;
    return true;
  }

  /** Deletes the rollups, alerts and day entries of a device. */
  async eraseRest(deviceId: string, days: readonly Day[], mark: string, { signal, alive }: StepContext): Promise<void> {
    const { rollups, days: dayStore, devices, sentinels } = this.parts;
    const all = new Set([...days, ...(await this.rolledUpDays(deviceId))]);
    let done = 0;
    for (const day of all) {
      signal.throwIfAborted();
      await rollups.deleteDay(deviceId, day);
      await dayStore.forget(day, [deviceId]);
      alive(++done);
    }
    await sentinels.remove(deviceId, days, mark);
    await devices.forget(deviceId);
  }

  private async rolledUpDays(deviceId: string): Promise<Day[]> {
    const stretch = {
      deviceId,
      resolution: '1d' as const,
      from: Date.UTC(FIRST_YEAR, 0, 1),
      to: this.clock.now() + 2 * DAY_MS,
    };
    const buckets = await this.parts.rollups.buckets(stretch, { limit: 100_000, series: 200 });
    return buckets.map(dayOf);
  }

  /**
   * Searches for remaining data of the device. If there is none, ends the erasure, so that the device can send readings
   * again.
   * @returns the remaining items by name, at most 20; empty if there are none
   */
  async finish(deviceId: string): Promise<string[]> {
    const { archives, archive, readings, devices } = this.parts;
    const left: string[] = [];
    for (const day of await this.days(deviceId)) {
      if (await readings.hasRows(deviceId, day)) left.push(`rows of ${day}`);
      const record = await archives.find(day);
      if (!record || record.state === 'expired') continue;
      for (const part of (await archive.manifest(day, record.generation)).parts)
        if (await archive.holds(day, part, deviceId)) left.push(`rows in ${part.name} of ${day}`);
    }
    if ((await this.rolledUpDays(deviceId)).length > 0) left.push('rollups');
    if ((await devices.entries(deviceId)).some((entry) => entry !== 'device')) left.push('entries of the device');
    if (left.length === 0) await devices.finishErasure(deviceId, this.clock.now());
    return left.slice(0, MAX_NAMED);
  }
}

async function* flat(groups: AsyncIterable<readonly ReadingRow[]>): AsyncGenerator<ReadingRow> {
  for await (const rows of groups) yield* rows;
}
