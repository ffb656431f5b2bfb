import { randomUUID } from 'node:crypto';
import type { Day } from '../../domain/devices/days';
import { metricsOf, type Reading, type ReadingRow, rowContent } from '../../domain/devices/reading';
import { limits } from '../../domain/devices/limits';
import { archivableFrom } from '../../domain/devices/retention';
import { parseReading } from '../../domain/devices/readingSchema';
import { type FieldFault, LongwatchError, reasonOf } from '../../domain/errors';
import type { DayStore } from '../../stores/devices/days';
import type { DeviceStore } from '../../stores/devices/devices';
import { withId } from '../../stores/devices/readingId';
import { byDeviceDay, CHECKED_WRITE_LIMIT, type ReadingStore } from '../../stores/devices/readings';
import { type Again, again, againAtOnce, retry } from '../../timing/retry';
import { isolate } from '../platform/isolate';
import { DeviceCache } from './deviceCache';
import { type Clock, systemClock } from '../../timing/clock';

/** The settings of {@link Ingest}. */
export interface IngestSettings {
  /** Readings older than this, in milliseconds, are refused. */
  lateWindowMs: number;
  /** A day may be archived this many milliseconds after its end. */
  archiveAfterMs: number;
  /** Whether readings of unregistered devices are refused. */
  registered: boolean;
  /** How long a process caches a device's registration, groups and erasure state, in milliseconds. */
  deviceCacheMs: number;
}

/** The parts that {@link Ingest} needs. */
export interface IngestParts {
  readings: ReadingStore;
  days: DayStore;
  devices: DeviceStore;
  archive: { known(day: Day, rows: readonly ReadingRow[]): Promise<ReadonlySet<string>> };
  /** Called with the error of a reading that the database refuses permanently. */
  onRefused?(error: unknown): void;
  onReadings?(result: 'stored' | 'rejected', count: number): void;
  clock?: Clock;
}

/** A reading that is not validated yet. */
export interface Arrival {
  deviceId: string;
  input: unknown;
  /** When a stream or broker received it, epoch ms. Default now. */
  arrivedAt?: number;
}

/** The result for a reading. `stored`: it was stored by this request or an earlier one. */
export type ReadingResult = { status: 'stored'; readingId: string } | RejectedReading;

/** A reading that was not stored, and why. */
export interface RejectedReading {
  status: 'rejected';
  errors: FieldFault[];
  /** The reading is valid, but the database refuses it permanently. The caller must keep it as a dead letter. */
  isRefused?: true;
}

/**
 * From this long before a day may be archived, its readings are written with conditions. The margin covers differences
 * between clocks and the duration of a write.
 */
const CAREFUL_BEFORE_MS = 15 * 60_000;
const ATTEMPTS = 12;

interface Checked {
  at: number;
  row: ReadingRow;
}

/** Validates and stores readings of all sources: HTTP, MQTT, Kinesis and AWS IoT. */
export class Ingest {
  private readonly known: DeviceCache;
  private readonly clock: Clock;

  constructor(
    private readonly parts: IngestParts,
    private readonly settings: IngestSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
    this.known = new DeviceCache(parts, settings.deviceCacheMs, this.clock);
  }

  /**
   * Stores readings. A `stored` reading is in the database when this returns. A reading that is invalid or refused by
   * the database changes nothing and does not affect the others. Storing a reading twice has no further effect.
   * @returns the results, in the order of the readings
   * @throws LongwatchError `unavailable`: some readings may be stored and some not, so the caller must send all again
   */
  async store(arrivals: readonly Arrival[]): Promise<ReadingResult[]> {
    const refused = (_: Arrival, error: unknown): ReadingResult => {
      this.parts.onRefused?.(error);
      return {
        status: 'rejected',
        errors: [{ field: '', message: `cannot be stored: ${reasonOf(error)}` }],
        isRefused: true,
      };
    };
    const all = await isolate(arrivals, (some) => this.storeWhole(some), refused);
    const stored = all.filter(({ status }) => status === 'stored').length;
    if (stored > 0) this.parts.onReadings?.('stored', stored);
    if (stored < all.length) this.parts.onReadings?.('rejected', all.length - stored);
    return all;
  }

  private async storeWhole(arrivals: readonly Arrival[]): Promise<ReadingResult[]> {
    const results: (ReadingResult | undefined)[] = arrivals.map(() => undefined);
    const refused = await this.refusals(arrivals);
    const checked: Checked[] = [];
    for (const [at, { deviceId, input, arrivedAt = this.clock.now() }] of arrivals.entries()) {
      const refusal = refused.get(deviceId);
      const reading = refusal
        ? [refusal]
        : parseReading(deviceId, input, { now: arrivedAt, lateWindowMs: this.settings.lateWindowMs });
      if (Array.isArray(reading)) results[at] = { status: 'rejected', errors: reading };
      else checked.push({ at, row: withId(rowContent(reading as Reading)) });
    }
    const faults = await this.write(checked.map(({ row }) => row));
    for (const { at, row } of checked) {
      const fault = faults.get(row);
      results[at] = fault ? { status: 'rejected', errors: [fault] } : { status: 'stored', readingId: row.id };
    }
    return results as ReadingResult[];
  }

  /** Returns the devices whose readings are refused, and why. */
  private async refusals(arrivals: readonly Arrival[]): Promise<Map<string, FieldFault>> {
    const devices = await this.known.devices([...new Set(arrivals.map(({ deviceId }) => deviceId))]);
    const refused = new Map<string, FieldFault>();
    for (const [deviceId, device] of devices) {
      if (device?.erasingSince !== undefined)
        refused.set(deviceId, {
          field: 'deviceId',
          message: 'is being erased; send the reading again when the erasure is done',
        });
      else if (this.settings.registered && device?.registeredAt === undefined)
        refused.set(deviceId, { field: 'deviceId', message: `is not registered: PUT /v1/devices/${deviceId} first` });
    }
    return refused;
  }

  /**
   * Writes rows.
   * @returns the rows that could not be accepted, and why
   */
  private async write(rows: readonly ReadingRow[]): Promise<Map<ReadingRow, FieldFault>> {
    const faults = new Map<ReadingRow, FieldFault>();
    const fresh: ReadingRow[] = [];
    const late: { deviceId: string; day: Day; rows: ReadingRow[] }[] = [];
    await Promise.all(
      byDeviceDay(rows).map(async (group) => {
        const taken = await this.noteNames(group, faults);
        if (taken.length === 0) return;
        if (this.clock.now() < archivableFrom(group.day, this.settings.archiveAfterMs) - CAREFUL_BEFORE_MS)
          fresh.push(...taken);
        else late.push({ ...group, rows: taken });
      }),
    );
    await Promise.all([this.parts.readings.put(fresh), ...late.map((group) => this.writeLate(group))]);
    return faults;
  }

  /**
   * Registers the device and its metric names for the day before the rows are written.
   * @returns the rows to write, without duplicates
   */
  private async noteNames(
    { deviceId, day, rows }: { deviceId: string; day: Day; rows: ReadingRow[] },
    faults: Map<ReadingRow, FieldFault>,
  ): Promise<ReadingRow[]> {
    const taken = new Map<string, ReadingRow>();
    const names = new Set<string>();
    for (const row of rows) {
      taken.set(`${row.timestamp}#${row.id}`, row);
      for (const name of Object.keys(metricsOf(row))) names.add(name);
    }
    if (await this.known.note(deviceId, day, names, limits.namesPerDay)) return [...taken.values()];
    // The names of all rows together exceed the limit. Reject only the readings that exceed it.
    for (const [key, row] of taken) {
      if (await this.known.note(deviceId, day, new Set(Object.keys(metricsOf(row))), limits.namesPerDay)) continue;
      taken.delete(key);
      const message =
        `would pass the limit of ${limits.namesPerDay} metric names of one device and day (${day}); put a ` +
        'changing part of a name into the value';
      for (const same of rows)
        if (same.id === row.id && same.timestamp === row.timestamp) faults.set(same, { field: 'metrics', message });
    }
    return [...taken.values()];
  }

  /**
   * Writes readings of a day that may be archived or is archived. An archived row is no longer in the table, so a late
   * copy of it would look new. Therefore the archive is searched first, and the write's condition is that the day was
   * not archived again meanwhile.
   */
  private async writeLate({ deviceId, day, rows }: { deviceId: string; day: Day; rows: ReadingRow[] }): Promise<void> {
    const { days, readings, archive } = this.parts;
    let left = rows;
    const exhausted = () =>
      new LongwatchError('contention', `The day ${day} is being archived; send the readings again`, {
        retryAfterSeconds: 1,
      });
    const writePiece = async (): Promise<ReadingRow[] | Again> => {
      const generation = await days.generation(deviceId, day);
      if (generation > 0) {
        const archived = await archive.known(day, left);
        left = left.filter(({ id, timestamp }) => !archived.has(`${timestamp}#${id}`));
        if (left.length === 0) return left;
      }
      const piece = left.slice(0, CHECKED_WRITE_LIMIT);
      const lost = await readings.putNew(piece, [
        days.fenced(deviceId, day, generation),
        days.noteLate(deviceId, day, randomUUID()),
      ]);
      if (lost === undefined) return left.slice(piece.length);
      if (typeof lost === 'string') return again;
      left = left.filter((row) => !lost.has(row));
      return left.length === 0 ? left : againAtOnce;
    };
    while (left.length > 0) left = await retry({ attempts: ATTEMPTS, exhausted }, writePiece);
  }
}
