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
 * The columns of every file. Metrics are one JSON text: they differ from device to device, and engines read them by
 * name (`json_extract`). A row's id is left out: it follows from what the row says, and would be most of the file.
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

/** Rows of a row group: some hundred kilobytes, which is what a read of one device fetches. */
export const GROUP_ROWS = 20_000;

/** Makes the bytes of one file, row group by row group. The same rows give the same bytes. */
export class PartEncoder {
  private readonly bytes = new ByteWriter(1 << 20);
  private readonly writer = new ParquetWriter({
    writer: this.bytes,
    schema,
    codec: 'SNAPPY',
    // Device ids are shorter, so that what statistics say of them is exact.
    statisticsTruncateLength: 64,
    createdBy: 'longwatch',
  });

  /** @returns what is to be written next, of at most GROUP_ROWS rows. */
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
      // Instants of a device are steps of about one size.
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

  /** @returns the end of the file. */
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

/** Instants as epoch ms. */
const parsers = { timestampFromMilliseconds: Number };

/** Gives a row its id back. */
export type Identify = (content: RowContent) => ReadingRow;

export interface OpenPart {
  file: AsyncBuffer;
  metadata: FileMetaData;
}

export async function openPart(file: AsyncBuffer): Promise<OpenPart> {
  return { file, metadata: await parquetMetadataAsync(file) };
}

/** A stretch of one device's readings: epoch ms, the end left out. */
export interface DeviceRange {
  deviceId: string;
  from: number;
  to: number;
}

/** The rows of a part, row group by row group; of one device's stretch only, if one is given. */
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

/** Whether the statistics of a row group allow rows of a stretch in it. */
function mayHold({ columns: chunks }: RowGroup, { deviceId, from, to }: DeviceRange): boolean {
  const bounds = (column: number) => chunks[column]?.meta_data?.statistics;
  const [devices, times] = [bounds(0), bounds(1)];
  if (devices && (String(devices.min_value) > deviceId || String(devices.max_value) < deviceId)) return false;
  return !times || (Number(times.min_value) < to && Number(times.max_value) >= from);
}

/** Whether a part has any row of a device, as far as its statistics tell. */
export function mayHoldDevice({ metadata }: OpenPart, deviceId: string): boolean {
  return metadata.row_groups.some((group) =>
    mayHold(group, { deviceId, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }),
  );
}

/** The columns of a group lie one behind the other: one read fetches them all. */
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
