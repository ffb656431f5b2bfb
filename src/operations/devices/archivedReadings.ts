import type { Day } from '../../domain/devices/days';
import type { ArchivedDay } from '../../domain/devices/archive';
import { compareRows, type ReadingRow } from '../../domain/devices/reading';
import type { DeviceArchive } from '../../gateways/devices/deviceArchive';
import { MissingObjectError } from '../../gateways/s3/objects';
import type { ArchiveStore } from '../../stores/devices/archives';
import { timestampSeq } from '../../stores/devices/keys';
import { againAfter, retry } from '../../timing/retry';

/** The parts that {@link ArchivedReadings} needs. */
export interface ArchivedReadingsParts {
  archives: ArchiveStore;
  archive: DeviceArchive;
}

/** A period of one device and day, in epoch ms. `to` is exclusive. `after` excludes rows up to a sort key. */
export interface ArchivedStretch {
  deviceId: string;
  from: number;
  to: number;
  after?: string;
}

/** Maximum attempts of a read. An erasure or the retention may replace files during a read, rarely twice. */
const ATTEMPTS = 3;

/** Reads archived readings. */
export class ArchivedReadings {
  constructor(private readonly parts: ArchivedReadingsParts) {}

  /**
   * Returns those of the given rows that the archive contains, as `timestamp#id`. All rows must be of one day and
   * device.
   */
  async known(day: Day, rows: readonly ReadingRow[]): Promise<ReadonlySet<string>> {
    const deviceId = rows[0]?.deviceId;
    if (deviceId === undefined) return new Set();
    const times = rows.map(({ timestamp }) => timestamp);
    const found = await this.find(day, { deviceId, from: Math.min(...times), to: Math.max(...times) + 1 });
    return new Set(found.map(({ timestamp, id }) => `${timestamp}#${id}`));
  }

  /**
   * Returns the archived rows of a period, in order, at most `limit`. This includes a restored day, because the day may
   * have been restored after the caller read the table.
   */
  async find(day: Day, range: ArchivedStretch, limit = Number.POSITIVE_INFINITY): Promise<ReadingRow[]> {
    return retry({ attempts: ATTEMPTS, exhausted: (error) => error }, async () => {
      const record = await this.parts.archives.find(day);
      if (!record || record.state === 'expired') return [];
      try {
        return await this.findIn(record, range, limit);
      } catch (error) {
        // The manifest was replaced after the day's record was read. Read the record again.
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
