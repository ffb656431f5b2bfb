import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  type RowGroup,
  type SchemaElement,
} from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { ReadingRow, RowContent } from '../../domain/devices/reading';

/**
 * Columns of every file. The metrics are one JSON text, because their names differ between devices; query engines read
 * them by name (`json_extract`). The row's id is not stored: it can be computed from the row, and it would take up most
 * of the file.
 */
const columns = [
  { name: 'device_id', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  {
    name: 'ts',
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
    repetition_type: 'REQUIRED',
  },
  { name: 'status', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  { name: 'latitude', type: 'DOUBLE', repetition_type: 'OPTIONAL' },
  { name: 'longitude', type: 'DOUBLE', repetition_type: 'OPTIONAL' },
  { name: 'metrics', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
] as const satisfies readonly SchemaElement[];

const schema: SchemaElement[] = [{ name: 'reading', num_children: columns.length }, ...columns];

/** Rows in a row group: a few hundred kilobytes, the amount that a read of one device fetches. */
export const GROUP_ROWS = 20_000;

/** Encodes one file, row group by row group. The same rows always give the same bytes. */
export class PartEncoder {
  private readonly bytes = new ByteWriter(1 << 20);
  private readonly writer = new ParquetWriter({
    writer: this.bytes,
    schema,
    codec: 'SNAPPY',
    // Device ids are shorter than this, so their statistics are exact.
    statisticsTruncateLength: 64,
    createdBy: 'longwatch',
  });

  /** Encodes at most GROUP_ROWS rows. @returns the bytes to append to the file */
  group(rows: readonly ReadingRow[]): Uint8Array {
    const data: Record<(typeof columns)[number]['name'], unknown[]> = {
      device_id: rows.map(({ deviceId }) => deviceId),
      ts: rows.map(({ timestamp }) => BigInt(timestamp)),
      status: rows.map(({ status }) => status),
      latitude: rows.map(({ latitude }) => latitude),
      longitude: rows.map(({ longitude }) => longitude),
      metrics: rows.map(({ metrics }) => metrics),
    };
    void this.writer.write({
      // A device's timestamps have nearly constant intervals, which this encoding compresses well.
      columnData: columns.map(({ name }) => ({
        name,
        data: data[name],
        offsetIndex: false,
        ...(name === 'ts' && { encoding: 'DELTA_BINARY_PACKED' as const }),
      })),
      rowGroupSize: GROUP_ROWS,
    });
    return this.take();
  }

  /** Encodes the footer. @returns the last bytes of the file */
  finish(): Uint8Array {
    void this.writer.finish();
    return this.take();
  }

  private take(): Uint8Array {
    const taken = this.bytes.getBytes().slice();
    this.bytes.index = 0;
    return taken;
  }
}

/** Reads timestamps as epoch ms. */
const parsers = { timestampFromMilliseconds: Number };

/** Adds the id to a row's content. */
export type Identify = (content: RowContent) => ReadingRow;

/** An opened file: its metadata is read. */
export interface OpenPart {
  file: AsyncBuffer;
  metadata: FileMetaData;
}

/** Reads the metadata of a file. */
export async function openPart(file: AsyncBuffer): Promise<OpenPart> {
  return { file, metadata: await parquetMetadataAsync(file) };
}

/** A time range of one device: from `from` (inclusive) to `to` (exclusive), epoch ms. */
export interface DeviceRange {
  deviceId: string;
  from: number;
  to: number;
}

/** Yields the rows of a part, row group by row group. With a range, only its rows. */
export async function* readPart(
  { file, metadata }: OpenPart,
  identify: Identify,
  range?: DeviceRange,
): AsyncGenerator<ReadingRow[]> {
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    if (!range || mayHold(group, range)) {
      const rows = await parquetReadObjects({ file: await fetched(file, group), metadata, rowStart, rowEnd, parsers });
      const contents = rows.map(contentOf);
      const wanted = range
        ? contents.filter(
            ({ deviceId, timestamp }) => deviceId === range.deviceId && timestamp >= range.from && timestamp < range.to,
          )
        : contents;
      yield wanted.map(identify);
    }
    rowStart = rowEnd;
  }
}

/** Returns whether a row group can contain rows of a range, according to its statistics. */
function mayHold({ columns: chunks }: RowGroup, { deviceId, from, to }: DeviceRange): boolean {
  const bounds = (column: number) => chunks[column]?.meta_data?.statistics;
  const [devices, times] = [bounds(0), bounds(1)];
  if (devices && (String(devices.min_value) > deviceId || String(devices.max_value) < deviceId)) return false;
  return !times || (Number(times.min_value) < to && Number(times.max_value) >= from);
}

/** Returns whether a part can contain rows of a device, according to its statistics. */
export function mayHoldDevice({ metadata }: OpenPart, deviceId: string): boolean {
  return metadata.row_groups.some((group) =>
    mayHold(group, { deviceId, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }),
  );
}

/** The column chunks of a row group are adjacent, so one read fetches them all. */
async function fetched(file: AsyncBuffer, { columns: chunks }: RowGroup): Promise<AsyncBuffer> {
  let [start, end] = [file.byteLength, 0];
  for (const { meta_data: chunk } of chunks) {
    if (!chunk) continue;
    const first = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset);
    start = Math.min(start, first);
    end = Math.max(end, first + Number(chunk.total_compressed_size));
  }
  const bytes = await file.slice(start, end);
  return { byteLength: file.byteLength, slice: (from, to = file.byteLength) => bytes.slice(from - start, to - start) };
}

function contentOf(found: Record<string, unknown>): RowContent {
  const { device_id, ts, status, latitude, longitude, metrics } = found as {
    device_id: string;
    ts: number;
    status: string | null;
    latitude: number | null;
    longitude: number | null;
    metrics: string;
  };
  return {
    deviceId: device_id,
    timestamp: ts,
    metrics,
    ...(status !== null && { status }),
    ...(latitude !== null && longitude !== null && { latitude, longitude }),
  };
}
