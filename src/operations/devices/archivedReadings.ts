import type { Day } from '../../domain/devices/days';
import type { ArchivedDay } from '../../domain/devices/archive';
import { compareRows, type ReadingRow } from '../../domain/devices/reading';
import type { DeviceArchive } from '../../gateways/devices/deviceArchive';
import { MissingObjectError } from '../../gateways/s3/objects';
import type { ArchiveStore } from '../../stores/devices/archives';
import { timestampSeq } from '../../stores/devices/keys';
import { againAfter, retry } from '../../timing/retry';

export interface ArchivedReadingsParts {
  archives: ArchiveStore;
  archive: DeviceArchive;
}

/** Of one device's day: epoch ms, `to` left out; behind a row, by its sort key. */
export interface ArchivedStretch {
  deviceId: string;
  from: number;
  to: number;
  after?: string;
}

/** An erasure or a retention replaces files under our eyes once in a while; hardly twice. */
const ATTEMPTS = 3;

/** Readings that were archived. */
export class ArchivedReadings {
  constructor(private readonly parts: ArchivedReadingsParts) {}

  /** Of some rows of one day and device, those that the archive has, as `timestamp#id`. */
  async known(day: Day, rows: readonly ReadingRow[]): Promise<ReadonlySet<string>> {
    const deviceId = rows[0]?.deviceId;
    if (deviceId === undefined) return new Set();
    const times = rows.map(({ timestamp }) => timestamp);
    const found = await this.find(day, { deviceId, from: Math.min(...times), to: Math.max(...times) + 1 });
    return new Set(found.map(({ timestamp, id }) => `${timestamp}#${id}`));
  }

  /**
   * The archived rows of a device's stretch of a day, in order; at most so many, if so many are asked for. Also of a
   * day
   * that was restored: it may have been so only after the table was read.
   */
  async find(day: Day, range: ArchivedStretch, limit = Number.POSITIVE_INFINITY): Promise<ReadingRow[]> {
    return retry({ attempts: ATTEMPTS, exhausted: (error) => error }, async () => {
      const record = await this.parts.archives.find(day);
      if (!record || record.state === 'expired') return [];
      try {
        return await this.findIn(record, range, limit);
      } catch (error) {
        // Its manifest was replaced after we read which one it is.
        if (!(error instanceof MissingObjectError)) throw error;
        return againAfter(error);
      }
    });
  }

  private async findIn({ day, generation }: ArchivedDay, range: ArchivedStretch, limit: number): Promise<ReadingRow[]> {
    const { parts } = await this.parts.archive.manifest(day, generation);
    const found = await Promise.all(
      parts.map(async (part) => {
        const rows: ReadingRow[] = [];
        for await (const some of this.parts.archive.find(day, part, range)) {
          rows.push(
            ...(range.after === undefined ? some : some.filter((row) => timestampSeq(row) > (range.after ?? ''))),
          );
          if (rows.length >= limit) break;
        }
        return rows.slice(0, limit);
      }),
    );
    return found.flat().sort(compareRows).slice(0, limit);
  }
}
