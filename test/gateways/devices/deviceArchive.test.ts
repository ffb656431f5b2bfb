import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import * as fc from 'fast-check';
import type { ArchiveFile } from '../../../src/domain/devices/archive';
import { compareRows, type Reading, type ReadingRow, rowContent } from '../../../src/domain/devices/reading';
import { LOCAL_CREDENTIALS } from '../../../src/config/endpoints';
import { DeviceArchive } from '../../../src/gateways/devices/deviceArchive';
import { Objects } from '../../../src/gateways/s3/objects';
import { GROUP_ROWS } from '../../../src/gateways/devices/parquet';
import { withId } from '../../../src/stores/devices/readingId';
import { REGION } from '../../support/dynamodb';
import { BUCKET, startTestS3, type TestS3 } from '../../support/s3';

const ROOT = join(__dirname, '..', '..', '..');
const DAY = '2026-01-31';
const start = Date.parse(DAY);
let s3: TestS3;
let objects: Objects;
const folder = mkdtempSync(join(tmpdir(), 'longwatch-parquet-'));

beforeAll(async () => {
  s3 = await startTestS3();
  objects = new Objects({ region: REGION, bucket: BUCKET, endpoint: s3.endpoint, credentials: LOCAL_CREDENTIALS });
  await objects.ensureBucket();
  await objects.ensureBucket();
});
afterAll(async () => {
  objects?.close();
  await s3?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const archiveOf = (partBytes = 1 << 27) => new DeviceArchive(objects, { partBytes }, withId);
async function* inPages(rows: readonly ReadingRow[], size = 777): AsyncGenerator<ReadingRow[]> {
  for (let i = 0; i < rows.length; i += size) yield rows.slice(i, i + size);
}
const write = (rows: readonly ReadingRow[], day = DAY, partBytes?: number) =>
  archiveOf(partBytes).write(inPages(rows), { day, first: 0, maxParts: 100 });
const sorted = (rows: readonly ReadingRow[]) =>
  rows.toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : a.deviceId > b.deviceId ? 1 : compareRows(a, b)));

const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 }),
  fc.boolean(),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const reading: fc.Arbitrary<Reading> = fc.record(
  {
    deviceId: fc.stringMatching(/^[a-c_.-]{1,3}$/),
    timestamp: fc.integer({ min: start, max: start + 86_399_999 }),
    metrics: fc.dictionary(fc.stringMatching(/^[a-z][A-Z0-9_.:-]{0,5}$/), value, { maxKeys: 4 }),
    status: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 }),
    location: fc.record({
      latitude: fc.double({ min: -90, max: 90, noNaN: true }).map((d) => Math.round(d * 1e7) / 1e7),
      longitude: fc.double({ min: -180, max: 180, noNaN: true }).map((d) => Math.round(d * 1e7) / 1e7),
    }),
  },
  { requiredKeys: ['deviceId', 'timestamp', 'metrics'] },
);
const rowsOf = (readings: readonly Reading[]) =>
  sorted([
    ...new Map(
      readings.map((one) => withId(rowContent(one))).map((row) => [`${row.deviceId}#${row.timestamp}#${row.id}`, row]),
    ).values(),
  ]);

/** Enough for several row groups, of several devices. */
const many = (devices: number, each: number): ReadingRow[] =>
  Array.from({ length: devices * each }, (_, n) =>
    withId(
      rowContent({
        deviceId: `device-${String(Math.floor(n / each)).padStart(3, '0')}`,
        timestamp: start + (n % each) * 1_000,
        metrics: { t: (n % 91) / 10, n, on: n % 2 === 0, mode: 'eco' },
        ...(n % 5 === 0 && { status: 'ok', location: { latitude: 52.5 + (n % 10) / 1e7, longitude: 13.4 } }),
      }),
    ),
  );

async function inFolder(name: string, day: string, parts: readonly ArchiveFile[]): Promise<string> {
  const path = join(folder, name, `dt=${day}`);
  mkdirSync(path, { recursive: true });
  for (const part of parts) writeFileSync(join(path, part.name), await s3.get(`device_data/dt=${day}/${part.name}`));
  return path;
}

it('what is written is what is read back, of any content', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(reading, { minLength: 1, maxLength: 40 }), async (readings) => {
      const rows = rowsOf(readings);
      const [part] = await write(rows);
      const found: ReadingRow[] = [];
      for await (const some of archiveOf().rows(DAY, part!)) found.push(...some);
      expect(found).toEqual(rows);
      expect(await archiveOf().checksum(DAY, part!)).toBe(part!.sha256);
    }),
    { numRuns: 25 },
  );
});

it(
  'one device’s stretch is found without reading the rest; the same rows make the same bytes, in files of about ' +
    'one size',
  async () => {
    const rows = many(50, 1_000);
    const parts = await write(rows, DAY, 90_000);
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.map(({ name }) => name)).toEqual(parts.map((_, i) => `part-${String(i).padStart(5, '0')}.parquet`));
    expect(parts.reduce((sum, part) => sum + part.rows, 0)).toBe(rows.length);
    for (const part of parts.slice(0, -1)) expect(part.bytes).toBeGreaterThanOrEqual(90_000);
    expect(await write(rows, '2026-02-01', 90_000)).toEqual(parts);

    const range = { deviceId: 'device-030', from: start + 10_000, to: start + 20_000 };
    const found: ReadingRow[] = [];
    for (const part of parts) for await (const some of archiveOf().find(DAY, part, range)) found.push(...some);
    expect(found).toEqual(
      rows.filter(
        ({ deviceId, timestamp }) => deviceId === range.deviceId && timestamp >= range.from && timestamp < range.to,
      ),
    );
    expect(found).toHaveLength(10);
    const holding = await Promise.all(parts.map((part) => archiveOf().holds(DAY, part, 'device-030')));
    expect(holding.filter(Boolean).length).toBeLessThanOrEqual(2);
    expect(rows.length).toBeGreaterThan(2 * GROUP_ROWS);
  },
);

it('DuckDB reads the files with the folder’s date as a column, and finds what the manifest says', async () => {
  const rows = many(30, 1_000);
  const parts = await write(rows, '2026-02-02');
  await inFolder('duckdb', '2026-02-02', parts);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const files = join(folder, 'duckdb', '*', '*.parquet');
  const ask = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  expect(
    await ask(
      'SELECT count(*), CAST(epoch_ms(min(ts)) AS VARCHAR), CAST(epoch_ms(max(ts)) AS VARCHAR), ' +
        `CAST(any_value(dt) AS VARCHAR) FROM read_parquet('${files}', hive_partitioning = true)`,
    ),
  ).toEqual([
    [
      String(rows.length),
      String(parts[0]!.minTime),
      String(Math.max(...parts.map(({ maxTime }) => maxTime))),
      '2026-02-02',
    ],
  ]);
  expect(
    await ask(
      'SELECT device_id, CAST(epoch_ms(ts) AS DOUBLE), status, latitude, longitude, metrics FROM ' +
        `read_parquet('${files}') ORDER BY device_id, ts`,
    ),
  ).toEqual(
    rows.map(({ deviceId, timestamp, status = null, latitude = null, longitude = null, metrics }) => [
      deviceId,
      timestamp,
      status,
      latitude,
      longitude,
      metrics,
    ]),
  );
  const sum = many(30, 1_000).reduce((total, { metrics }) => total + (JSON.parse(metrics) as { n: number }).n, 0);
  expect(
    await ask(`SELECT sum(CAST(json_extract(metrics, '$.n') AS BIGINT))::VARCHAR FROM read_parquet('${files}')`),
  ).toEqual([[String(sum)]]);
  const statistics = await ask(
    `SELECT stats_min_value, stats_max_value FROM parquet_metadata('${files}') WHERE path_in_schema = ` +
      `'device_id' ORDER BY row_group_id`,
  );
  expect(statistics).toEqual([
    ['device-000', 'device-019'],
    ['device-020', 'device-029'],
  ]);
});

const python =
  process.env['PYTHON'] ??
  (existsSync(join(ROOT, 'model/.venv/bin/python')) ? join(ROOT, 'model/.venv/bin/python') : 'python3');
const hasPyarrow = spawnSync(python, ['-c', 'import pyarrow']).status === 0;
if (!hasPyarrow)
  process.stderr.write(`Archives are not read by pyarrow: ${python} lacks it; pip install -r test/requirements.txt\n`);
const ifPyarrow = hasPyarrow ? it : it.skip;

ifPyarrow('pyarrow reads the files, row by row, and hashlib finds the sums of the manifest', async () => {
  const rows = many(25, 1_000);
  const parts = await write(rows, '2026-02-03', 100_000);
  const path = await inFolder('pyarrow', '2026-02-03', parts);
  const { stdout, stderr, status } = spawnSync(python, [join(ROOT, 'test/support/read_parquet.py'), path], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  expect([status, stderr]).toEqual([0, '']);
  const found = JSON.parse(stdout) as {
    name: string;
    sha256: string;
    bytes: number;
    utc: string;
    compression: string;
    devices: string[][];
    rows: Record<string, unknown>[];
  }[];
  expect(found.map(({ name, sha256, bytes, rows: its }) => ({ name, sha256, bytes, rows: its.length }))).toEqual(
    parts.map(({ name, sha256, bytes, rows: count }) => ({ name, sha256, bytes, rows: count })),
  );
  expect(found.flatMap(({ rows: its }) => its)).toEqual(
    rows.map(({ deviceId, timestamp, status: state = null, latitude = null, longitude = null, metrics }) => ({
      device_id: deviceId,
      ts: timestamp,
      status: state,
      latitude,
      longitude,
      metrics,
    })),
  );
  expect(found[0]).toMatchObject({
    utc: 'timestamp[ms, tz=UTC]',
    compression: 'SNAPPY',
    devices: [['device-000', 'device-019']],
  });
});

it('memory stays bounded: a day many times the heap is written and read', () => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      '--max-old-space-size=96',
      '--import',
      'tsx',
      join(ROOT, 'test/support/archiveMany.ts'),
      s3.endpoint,
      BUCKET,
      '300000',
      String(1 << 27),
    ],
    {
      encoding: 'utf8',
      cwd: ROOT,
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  );
  expect([status, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({ parts: 1, rows: 300_000 });
});
