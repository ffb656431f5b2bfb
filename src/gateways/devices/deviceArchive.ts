import { createHash } from 'node:crypto';
import type { AsyncBuffer } from 'hyparquet';
import { LRUCache } from 'lru-cache';
import {
  dayPrefix,
  type Manifest,
  manifestKey,
  type ArchiveFile,
  partKey,
  partName,
} from '../../domain/devices/archive';
import type { Day } from '../../domain/devices/days';
import type { ReadingRow } from '../../domain/devices/reading';
import { LongwatchError } from '../../domain/errors';
import type { Objects } from '../s3/objects';
import {
  type DeviceRange,
  GROUP_ROWS,
  type Identify,
  mayHoldDevice,
  type OpenPart,
  openPart,
  PartEncoder,
  readPart,
} from './parquet';

/** Settings of the archive's files. */
export interface DeviceArchiveSettings {
  /** Size in bytes after which a file is closed and the next one begins. */
  partBytes: number;
}

/** A range of part numbers of a day that one writer uses. */
export interface WriteLane {
  day: Day;
  /** Number of the range's first part. */
  first: number;
  /** Maximum number of parts. */
  maxParts: number;
  signal?: AbortSignal;
}

/**
 * Maximum number of cached footers, and of cached manifests. Both are immutable: their content never changes under the
 * same name and checksum.
 */
const MAX_CACHED = 64;

/** Archived days of readings: Parquet files (parts) and the manifests that list them. */
export class DeviceArchive {
  private readonly manifests = new Cache<Manifest>();
  private readonly opened = new Cache<OpenPart>();

  constructor(
    private readonly objects: Objects,
    private readonly settings: DeviceArchiveSettings,
    private readonly identify: Identify,
  ) {}

  /**
   * Writes rows in the given order, as parts numbered from `first`. Keeps only a few row groups in memory at a time.
   * @returns the parts, with sizes and checksums
   * @throws LongwatchError `invalid` if the rows need more than `maxParts` files
   */
  async write(
    rows: AsyncIterable<readonly ReadingRow[]>,
    { day, first, maxParts, signal }: WriteLane,
  ): Promise<ArchiveFile[]> {
    const groups = new Peekable(inGroups(rows));
    const parts: ArchiveFile[] = [];
    while (!(await groups.isOver())) {
      if (parts.length === maxParts)
        throw new LongwatchError(
          'invalid',
          `A lane of ${day} needs more than ${maxParts} files of ${this.settings.partBytes} bytes; set ` +
            'LONGWATCH_ARCHIVE_FILE_BYTES higher',
        );
      parts.push(await this.writePart(groups, day, partName(first + parts.length), signal));
    }
    return parts;
  }

  private async writePart(
    groups: Peekable<ReadingRow[]>,
    day: Day,
    name: string,
    signal?: AbortSignal,
  ): Promise<ArchiveFile> {
    const hash = createHash('sha256');
    const part = {
      name,
      rows: 0,
      bytes: 0,
      sha256: '',
      minTime: Number.POSITIVE_INFINITY,
      maxTime: Number.NEGATIVE_INFINITY,
    };
    const { partBytes } = this.settings;
    const counted = (bytes: Uint8Array) => {
      hash.update(bytes);
      part.bytes += bytes.length;
      return bytes;
    };
    async function* content(): AsyncGenerator<Uint8Array> {
      const encoder = new PartEncoder();
      while (part.bytes < partBytes) {
        const rows = await groups.next();
        if (!rows) break;
        part.rows += rows.length;
        for (const { timestamp } of rows) {
          part.minTime = Math.min(part.minTime, timestamp);
          part.maxTime = Math.max(part.maxTime, timestamp);
        }
        yield counted(encoder.group(rows));
      }
      yield counted(encoder.finish());
    }
    await this.objects.putStream(partKey(day, name), content(), 'application/vnd.apache.parquet', signal);
    return { ...part, sha256: hash.digest('hex') };
  }

  /** Writes a manifest. Its parts must be stored before. */
  async writeManifest(manifest: Manifest): Promise<void> {
    await this.objects.put(
      manifestKey(manifest.day, manifest.generation),
      JSON.stringify(manifest, null, 1),
      'application/json',
    );
  }

  /** Returns a manifest of a day. @throws MissingObjectError */
  manifest(day: Day, generation: number): Promise<Manifest> {
    const key = manifestKey(day, generation);
    return this.manifests.get(key, async () => JSON.parse(await this.objects.text(key)) as Manifest);
  }

  /** Yields all rows of a part, row group by row group. */
  async *rows(day: Day, part: ArchiveFile): AsyncGenerator<ReadingRow[]> {
    yield* readPart(await this.open(day, part), this.identify);
  }

  /** Yields one device's rows of a time range in a part, in order. */
  async *find(day: Day, part: ArchiveFile, range: DeviceRange): AsyncGenerator<ReadingRow[]> {
    if (part.minTime >= range.to || part.maxTime < range.from) return;
    yield* readPart(await this.open(day, part), this.identify, range);
  }

  /** Returns whether a part contains rows of a device. */
  async holds(day: Day, part: ArchiveFile, deviceId: string): Promise<boolean> {
    if (!mayHoldDevice(await this.open(day, part), deviceId)) return false;
    for await (const rows of this.find(day, part, { deviceId, from: part.minTime, to: part.maxTime + 1 }))
      if (rows.length > 0) return true;
    return false;
  }

  /** Returns the SHA-256 of a stored part, in hex. @throws MissingObjectError */
  async checksum(day: Day, { name }: Pick<ArchiveFile, 'name'>): Promise<string> {
    const hash = createHash('sha256');
    for await (const bytes of await this.objects.stream(partKey(day, name))) hash.update(bytes);
    return hash.digest('hex');
  }

  /** Deletes all files of a day except those of the given manifests. @returns the number of deleted files */
  async clear(day: Day, keep: readonly Manifest[]): Promise<number> {
    const kept = new Set(
      keep.flatMap(({ generation, parts }) => [
        manifestKey(day, generation),
        ...parts.map(({ name }) => partKey(day, name)),
      ]),
    );
    const extra = (await this.objects.list(dayPrefix(day))).filter((key) => !kept.has(key));
    for (const key of extra) await this.objects.delete(key);
    return extra.length;
  }

  private open(day: Day, { name, bytes, sha256 }: ArchiveFile): Promise<OpenPart> {
    const key = partKey(day, name);
    const file: AsyncBuffer = {
      byteLength: bytes,
      slice: async (from, to = bytes) => {
        const found = await this.objects.bytes(key, from < 0 ? bytes + from : from, to);
        return found.buffer.slice(found.byteOffset, found.byteOffset + found.byteLength) as ArrayBuffer;
      },
    };
    return this.opened.get(`${key}#${sha256}`, () => openPart(file));
  }
}

/** A cache of the most recently used MAX_CACHED values. A failed read is not cached. */
class Cache<T> {
  private readonly entries = new LRUCache<string, Promise<T>>({ max: MAX_CACHED });

  get(key: string, read: () => Promise<T>): Promise<T> {
    const found = this.entries.get(key) ?? read();
    this.entries.set(key, found);
    found.catch(() => this.entries.delete(key));
    return found;
  }
}

/** Groups rows into row groups of GROUP_ROWS rows; the last one may be smaller. */
async function* inGroups(rows: AsyncIterable<readonly ReadingRow[]>): AsyncGenerator<ReadingRow[]> {
  let group: ReadingRow[] = [];
  for await (const some of rows)
    for (const row of some) {
      group.push(row);
      if (group.length < GROUP_ROWS) continue;
      yield group;
      group = [];
    }
  if (group.length > 0) yield group;
}

/** A generator with a look-ahead of one item. */
class Peekable<T> {
  private ahead: Promise<IteratorResult<T>> | undefined;

  constructor(private readonly source: AsyncGenerator<T>) {}

  async isOver(): Promise<boolean> {
    this.ahead ??= this.source.next();
    return (await this.ahead).done === true;
  }

  async next(): Promise<T | undefined> {
    const { value, done } = await (this.ahead ?? this.source.next());
    this.ahead = undefined;
    return done ? undefined : (value as T);
  }
}
