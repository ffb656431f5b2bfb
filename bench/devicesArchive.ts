import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type AttributeValue, type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import Table from 'cli-table3';
import { addDays, dayOf, dayStart } from '../src/domain/devices/days';
import { metricsOf, type ReadingRow } from '../src/domain/devices/reading';
import { LOCAL_CREDENTIALS } from '../src/config/endpoints';
import { DeviceArchive } from '../src/gateways/devices/deviceArchive';
import { Objects } from '../src/gateways/s3/objects';
import { GROUP_ROWS, PartEncoder } from '../src/gateways/devices/parquet';
import { ArchivedReadings } from '../src/operations/devices/archivedReadings';
import { Archiver, type StepContext } from '../src/operations/devices/archiver';
import { DeviceReads } from '../src/operations/devices/reads';
import { ArchiveStore } from '../src/stores/devices/archives';
import { DayStore } from '../src/stores/devices/days';
import { deviceDay, rowOf } from '../src/stores/devices/keys';
import { withId } from '../src/stores/devices/readingId';
import { LiveStore } from '../src/stores/devices/live';
import { ReadingStore } from '../src/stores/devices/readings';
import { RollupStore } from '../src/stores/devices/rollups';
import { startTestDynamoDB } from '../test/support/dynamodb';
import { billableActions, HISTORIES } from '../test/support/histories';
import { startTestS3, BUCKET } from '../test/support/s3';
import { bar } from './support/bar';
import { bareClient, bareWrites, REGION, row } from './support/deviceParts';
import { latencies, median, ms, percentile, ratio } from './support/measure';

export interface DevicesArchiveBenchSettings {
  rounds: number;
  devices: number;
  /** Number of readings per device. */
  each: number;
}

const DAY = addDays(dayOf(Date.now()), -2);
const READS = 100;
const WORK: StepContext = { signal: new AbortController().signal, alive: () => undefined };

interface Round {
  product: number;
  floor: number;
  /** Bytes per reading. */
  parquet: number;
  gzip: number;
  table: number[];
  archive: number[];
}

/**
 * Measures the archived rows per second: from the table to verified files, and deleted from the table. The baseline
 * reads the same rows once, writes the same file once and deletes the rows once. Each has its own DynamoDB.
 */
export async function benchDevicesArchive({ rounds, devices, each }: DevicesArchiveBenchSettings): Promise<void> {
  const all: Round[] = [];
  const progress = bar('rounds', rounds);
  for (let i = 0; i < rounds; i++) {
    all.push(await measure(devices, each, i % 2 === 0));
    progress.increment();
  }
  progress.stop();
  const of = (pick: (round: Round) => number) => median(all.map(pick));
  const table = new Table({ head: ['rows per second', '', 'ratio to the baseline'], style: { head: [], border: [] } });
  table.push(
    ['baseline: read, write, delete', of(({ floor }) => floor).toFixed(0), ''],
    [
      'archive: the same, and verify',
      of(({ product }) => product).toFixed(0),
      ratio(of(({ product, floor }) => product / floor)),
    ],
  );
  console.log(`\n${table.toString()}`);
  console.log(
    `${rounds} rounds of ${devices * each} rows of ${devices} devices; the ratio is the median of ` +
      'the ratios of the rounds (target: at least 0.7).',
  );
  console.log(
    `Bytes per reading: ${of(({ parquet }) => parquet).toFixed(1)} as Parquet, ` +
      `${of(({ gzip }) => gzip).toFixed(1)} as JSON lines with gzip: ` +
      `${ratio(of(({ parquet, gzip }) => parquet / gzip))}.`,
  );
  const reads = (pick: (round: Round) => number[]) => all.flatMap(pick);
  const line = (what: string, taken: number[]) =>
    `${what} ${ms(percentile(taken, 50))} (p50), ${ms(percentile(taken, 95))} (p95)`;
  console.log(
    `An hour of one device: ${line(
      'from the table',
      reads((round) => round.table),
    )}; ${line(
      'from the archive',
      reads((round) => round.archive),
    )}.`,
  );
  const history = historyFromJSON(JSON.parse(readFileSync(join(HISTORIES, 'archiveDay', 'archived.json'), 'utf8')));
  console.log(
    `Temporal actions of an archived day of one file: ${billableActions(history)}; three more per further ` +
      'file; and four heartbeats per minute of work on a file.',
  );
}

async function measure(devices: number, each: number, floorFirst: boolean): Promise<Round> {
  const [dynamodb, floorDb, s3] = await Promise.all([startTestDynamoDB(), startTestDynamoDB(), startTestS3()]);
  const objects = new Objects({
    region: REGION,
    bucket: BUCKET,
    endpoint: s3.endpoint,
    credentials: LOCAL_CREDENTIALS,
  });
  const bare = bareClient(floorDb.endpoint);
  try {
    await objects.ensureBucket();
    const { db } = dynamodb;
    const [readings, days] = [new ReadingStore(db), new DayStore(db)];
    const archives = new ArchiveStore(db, days);
    const archive = new DeviceArchive(objects, { partBytes: 1 << 27 }, withId);
    const archived = new ArchivedReadings({ archives, archive });
    const archiver = new Archiver({ readings, days, archives, archive }, { archiveAfterMs: 1 });
    const reads = new DeviceReads({ readings, rollups: new RollupStore(db), live: new LiveStore(db), archived });
    const ids = Array.from({ length: devices }, (_, i) => `device-${String(i).padStart(4, '0')}`);
    // Every device has different values.
    const rows = ids.flatMap((id, device) =>
      Array.from({ length: each }, (_, i) => row(id, dayStart(DAY) + device * 37 + i * Math.floor(86_000_000 / each))),
    );
    for (const id of ids) await days.note(id, DAY, ['humidity', 'temperature', 'windowOpen'], 200);
    await readings.put(rows);
    await bareWrites(bare, 'test-DeviceData', rows, 'put');

    const hour = async (i: number) => {
      const from = dayStart(DAY) + (i % 24) * 3_600_000;
      await reads.readings({ deviceId: ids[i % devices]!, from, to: from + 3_600_000 }, { limit: 1_000 });
    };
    const table = await latencies(READS, hour);
    const perSecond = async (work: () => Promise<void>) => {
      const started = performance.now();
      await work();
      return rows.length / ((performance.now() - started) / 1000);
    };
    const product = () => perSecond(() => archiveOnce(archiver));
    const floor = () => perSecond(() => bareArchive(bare, objects, ids));
    const first = floorFirst ? await floor() : await product();
    const second = floorFirst ? await product() : await floor();
    const { bytes } = (await archives.find(DAY))!;
    const lines = rows
      .map(({ deviceId, timestamp, metrics, status }) =>
        JSON.stringify({
          deviceId,
          timestamp: new Date(timestamp).toISOString(),
          metrics: metricsOf({ metrics }),
          status,
        }),
      )
      .join('\n');
    return {
      product: floorFirst ? second : first,
      floor: floorFirst ? first : second,
      parquet: bytes / rows.length,
      gzip: gzipSync(lines).length / rows.length,
      table,
      archive: await latencies(READS, hour),
    };
  } finally {
    bare.destroy();
    objects.close();
    await s3.stop();
    await dynamodb.stop();
    await floorDb.stop();
  }
}

/** Runs the steps of the workflow without Temporal. */
async function archiveOnce(archiver: Archiver): Promise<void> {
  const plan = await archiver.plan(DAY);
  const parts = (await Promise.all(plan.lanes.map((lane) => archiver.writeLane(plan, lane, WORK)))).flat();
  await archiver.writeManifest(plan, parts);
  for (const part of parts) await archiver.verifyPart(DAY, part, WORK);
  await archiver.commit(plan, 'deleting');
  for (const part of await archiver.partsToDelete(plan)) await archiver.deletePart(DAY, part, WORK);
  await archiver.finish(DAY, plan.generation);
}

/** Runs the baseline: one read, one write and one deletion, without verification. */
async function bareArchive(bare: DynamoDBClient, objects: Objects, ids: readonly string[]): Promise<void> {
  const encoder = new PartEncoder();
  const pieces: Uint8Array[] = [];
  const all: ReadingRow[] = [];
  for (const id of ids)
    for (
      let ExclusiveStartKey: Record<string, AttributeValue> | undefined, first = true;
      first || ExclusiveStartKey;
      first = false
    ) {
      const page = await bare.send(
        new QueryCommand({
          TableName: 'test-DeviceData',
          KeyConditionExpression: 'DeviceDay = :day',
          ExpressionAttributeValues: { ':day': { S: deviceDay(id, DAY) } },
          ConsistentRead: true,
          ExclusiveStartKey,
        }),
      );
      for (const item of page.Items ?? []) all.push(rowOf(unmarshall(item)));
      ExclusiveStartKey = page.LastEvaluatedKey;
    }
  for (let i = 0; i < all.length; i += GROUP_ROWS) pieces.push(encoder.group(all.slice(i, i + GROUP_ROWS)));
  pieces.push(encoder.finish());
  await objects.put(`floor/${DAY}.parquet`, Buffer.concat(pieces), 'application/vnd.apache.parquet');
  await bareWrites(bare, 'test-DeviceData', all, 'delete');
}
