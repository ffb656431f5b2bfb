import * as fc from 'fast-check';
import { dayEnd, dayStart } from '../../../src/domain/devices/days';
import { LOCAL_CREDENTIALS } from '../../../src/config/endpoints';
import { DeviceArchive } from '../../../src/gateways/devices/deviceArchive';
import { Objects } from '../../../src/gateways/s3/objects';
import type { OnSkipped } from '../../../src/operations/platform/isolate';
import { ArchivedReadings } from '../../../src/operations/devices/archivedReadings';
import { Archiver, type StepContext } from '../../../src/operations/devices/archiver';
import { Eraser } from '../../../src/operations/devices/eraser';
import { Ingest } from '../../../src/operations/devices/ingest';
import { DeviceReads } from '../../../src/operations/devices/reads';
import { ArchiveStore } from '../../../src/stores/devices/archives';
import { DayStore } from '../../../src/stores/devices/days';
import { DeviceStore } from '../../../src/stores/devices/devices';
import { withId } from '../../../src/stores/devices/readingId';
import { LiveStore } from '../../../src/stores/devices/live';
import { ReadingStore } from '../../../src/stores/devices/readings';
import { RollupStore } from '../../../src/stores/devices/rollups';
import { SentinelStore } from '../../../src/stores/devices/sentinels';
import { clockOf } from '../../support/clock';
import { type SeenCall, whileRefusing } from '../../support/refusals';
import { REGION, startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { BUCKET, startTestS3, type TestS3 } from '../../support/s3';

let dynamodb: TestDynamoDB;
let s3: TestS3;
let objects: Objects;
beforeAll(async () => {
  [dynamodb, s3] = await Promise.all([startTestDynamoDB(), startTestS3()]);
  objects = new Objects({ region: REGION, bucket: BUCKET, endpoint: s3.endpoint, credentials: LOCAL_CREDENTIALS });
  await objects.ensureBucket();
});
afterAll(async () => {
  objects?.close();
  await s3?.stop();
  await dynamodb?.stop();
});

const MINUTE = 60_000;
const ARCHIVE_AFTER_MS = 60 * MINUTE;
/** A run has a day to itself. */
let runs = 0;
const dayOfRun = () => new Date(Date.UTC(2025, 0, 1 + runs)).toISOString().slice(0, 10);

/** Everything on one day, with a clock of its own; each process is a new one of these. */
function processAt(now: () => number, onSkipped: OnSkipped = () => undefined) {
  const clock = clockOf(now);
  const { db } = dynamodb;
  const [readings, days, devices, rollups, live] = [
    new ReadingStore(db),
    new DayStore(db),
    new DeviceStore(db),
    new RollupStore(db),
    new LiveStore(db),
  ];
  const archives = new ArchiveStore(db, days);
  const files = new DeviceArchive(objects, { partBytes: 1 << 27 }, withId);
  const archived = new ArchivedReadings({ archives, archive: files });
  return {
    readings,
    archives,
    files,
    ingest: new Ingest(
      { readings, days, devices, archive: archived, clock },
      { lateWindowMs: 7 * 86_400_000, archiveAfterMs: ARCHIVE_AFTER_MS, registered: false, deviceCacheMs: 1 },
    ),
    reads: new DeviceReads({ readings, rollups, live, archived, clock }),
    archiver: new Archiver(
      { readings, days, archives, archive: files, onSkipped, clock },
      { archiveAfterMs: ARCHIVE_AFTER_MS },
    ),
    eraser: new Eraser(
      { readings, days, devices, rollups, sentinels: new SentinelStore(db), archives, archive: files, clock },
      { lateWindowMs: 7 * 86_400_000 },
    ),
  };
}
type Process = ReturnType<typeof processAt>;

class Killed extends Error {}

/** Work that is killed at its n-th sign of life, wherever that is. */
function mortal(lives: { left: number }): StepContext & { step<T>(work: () => Promise<T>): Promise<T> } {
  const alive = () => {
    if (--lives.left < 0) throw new Killed();
  };
  return {
    signal: new AbortController().signal,
    alive,
    // Before and after every step: Temporal may or may not have heard of it.
    async step(work) {
      alive();
      const result = await work();
      alive();
      return result;
    },
  };
}

/** As the workflow does, from the beginning, as one does that was killed and whose run was lost with it. */
async function archiveNow({ archiver }: Process, day: string, lives: { left: number }): Promise<void> {
  const work = mortal(lives);
  const plan = await work.step(() => archiver.plan(day));
  if (plan.lanes.length > 0) {
    const parts = (
      await work.step(() => Promise.all(plan.lanes.map((lane) => archiver.writeLane(plan, lane, work))))
    ).flat();
    if (parts.length === 0 && !plan.isRestored)
      return plan.generation > 1 ? work.step(() => archiver.finish(day, plan.generation - 1)) : undefined;
    await work.step(() => archiver.writeManifest(plan, parts));
    for (const part of parts) await work.step(() => archiver.verifyPart(day, part, work));
    await work.step(() => archiver.commit(plan, 'deleting'));
  }
  for (const part of await work.step(() => archiver.partsToDelete(plan)))
    await work.step(() => archiver.deletePart(day, part, work));
  await work.step(() => archiver.finish(day, plan.generation));
}

async function restore({ archiver, archives }: Process, day: string, lives: { left: number }): Promise<void> {
  const work = mortal(lives);
  if ((await archives.find(day))?.state !== 'archived') return;
  const { generation, parts } = await work.step(() => archiver.beginRestore(day));
  for (const part of parts) await work.step(() => archiver.restorePart(day, part, work));
  await work.step(() => archiver.finishRestore(day, generation));
}

const survive = async (work: Promise<void>): Promise<void> => {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
  }
};

const devices = ['d-a', 'd-b', 'd-c'];
const input = fc.record({
  device: fc.integer({ min: 0, max: 2 }),
  minute: fc.integer({ min: 0, max: 5 }),
  value: fc.integer({ min: 0, max: 3 }),
});
type Command =
  | { kind: 'send' | 'sendMeanwhile'; inputs: { device: number; minute: number; value: number }[]; lives: number }
  | { kind: 'archive' | 'restore'; lives: number };
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('send' as const, 'sendMeanwhile' as const),
    inputs: fc.array(input, { minLength: 1, maxLength: 6 }),
    lives: fc.integer({ min: 0, max: 40 }),
  }),
  fc.record({
    kind: fc.constantFrom('archive' as const, 'archive' as const, 'restore' as const),
    lives: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(1_000)),
  }),
);

it(
  'table and archive together return everything ever acknowledged and nothing else: under kills, copies and late ' +
    'data',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(input, { maxLength: 10 }),
        fc.array(command, { minLength: 1, maxLength: 12 }),
        async (early, commands) => {
          runs++;
          const day = dayOfRun();
          const acknowledged = new Map<string, Set<string>>(devices.map((id) => [id, new Set()]));
          const send = async ({ ingest }: Process, inputs: typeof early) => {
            const results = await ingest.store(
              inputs.map(({ device, minute, value }) => ({
                deviceId: devices[device]!,
                input: { timestamp: dayStart(day) + minute * MINUTE, metrics: { value } },
              })),
            );
            for (const [i, result] of results.entries()) {
              expect(result.status).toBe('stored');
              acknowledged.get(devices[inputs[i]!.device]!)!.add(`${inputs[i]!.minute} ${inputs[i]!.value}`);
            }
          };
          const check = async ({ reads }: Process, limit: number) => {
            for (const deviceId of devices) {
              const found: string[] = [];
              for (let cursor: string | undefined; ;) {
                const page = await reads.readings(
                  { deviceId, from: dayStart(day), to: dayEnd(day) },
                  { limit, ...(cursor !== undefined && { cursor }) },
                );
                found.push(
                  ...page.items.map(
                    ({ timestamp, metrics }) =>
                      `${(timestamp - dayStart(day)) / MINUTE} ${(JSON.parse(metrics) as { value: number }).value}`,
                  ),
                );
                if ((cursor = page.cursor) === undefined) break;
              }
              expect(found.toSorted()).toEqual([...acknowledged.get(deviceId)!].sort());
            }
          };
          await send(
            processAt(() => dayStart(day) + 6 * 60 * MINUTE),
            early,
          );
          const late = () => processAt(() => dayEnd(day) + 2 * ARCHIVE_AFTER_MS);
          for (const one of commands) {
            const here = late();
            if (one.kind === 'send') await send(here, one.inputs);
            else if (one.kind === 'sendMeanwhile')
              await Promise.all([send(here, one.inputs), survive(archiveNow(late(), day, { left: one.lives }))]);
            else await survive((one.kind === 'archive' ? archiveNow : restore)(here, day, { left: one.lives }));
            await check(here, 3);
          }
          // Undisturbed at last: a run that was killed is finished, then what came late is archived; nothing is left in
          // the table.
          await archiveNow(late(), day, { left: 10_000 });
          await archiveNow(late(), day, { left: 10_000 });
          await check(late(), 1_000);
          const { readings, archives, files } = late();
          for (const deviceId of devices) expect((await readings.page({ deviceId, day })).rows).toEqual([]);
          const record = await archives.find(day);
          const count = [...acknowledged.values()].reduce((sum, { size }) => sum + size, 0);
          expect(record?.rows ?? 0).toBe(count);
          const kept = (await s3.list(`device_data/dt=${day}/`)).length;
          expect(kept).toBe(record ? (await files.manifest(day, record.generation)).parts.length + 1 : 0);
        },
      ),
      { numRuns: 9 },
    );
  },
);

it('what is stored otherwise than the table has it is never taken for archived: nothing is deleted', async () => {
  runs++;
  const day = dayOfRun();
  const here = processAt(() => dayEnd(day) + 2 * ARCHIVE_AFTER_MS);
  await here.ingest.store(
    [1, 2, 3].map((value) => ({ deviceId: 'd-a', input: { timestamp: dayStart(day) + value, metrics: { value } } })),
  );
  const work = mortal({ left: 1_000 });
  const plan = await here.archiver.plan(day);
  const [part] = await here.archiver.writeLane(plan, plan.lanes[0]!, work);
  // A file that was changed on its way.
  await expect(here.archiver.verifyPart(day, { ...part!, sha256: 'f'.repeat(64) }, work)).rejects.toMatchObject({
    type: 'conflict',
    message: expect.stringContaining('SHA-256'),
  });
  // A row that has gone from the table meanwhile.
  const { rows } = await here.readings.page({ deviceId: 'd-a', day });
  await here.readings.delete([rows[1]!]);
  await expect(here.archiver.verifyPart(day, part!, work)).rejects.toMatchObject({
    type: 'conflict',
    message: expect.stringContaining('differ at d-a'),
  });
  expect((await here.readings.page({ deviceId: 'd-a', day })).rows).toHaveLength(2);
});

it('a run that was believed dead commits nothing once another has', async () => {
  runs++;
  const day = dayOfRun();
  const here = processAt(() => dayEnd(day) + 2 * ARCHIVE_AFTER_MS);
  const send = (value: number) =>
    here.ingest.store([{ deviceId: 'd-a', input: { timestamp: dayStart(day) + value, metrics: { value } } }]);
  await send(1);
  const zombie = await here.archiver.plan(day);
  await archiveNow(here, day, { left: 1_000 });
  await send(2);
  await archiveNow(here, day, { left: 1_000 });
  await expect(here.archiver.commit({ day, generation: zombie.generation }, 'deleting')).rejects.toMatchObject({
    name: expect.any(String),
  });
  expect(await here.archives.find(day)).toMatchObject({ generation: 2, rows: 2, state: 'archived' });
});

it(
  'a row that is refused for good while a day leaves the table or comes back is skipped and told; all other rows ' +
    'go, and none is lost',
  async () => {
    runs++;
    const day = dayOfRun();
    const skipped: string[] = [];
    const here = processAt(
      () => dayEnd(day) + 2 * ARCHIVE_AFTER_MS,
      (entity) => skipped.push(entity),
    );
    const sent = ['d-a', 'd-b', 'd-c'].flatMap((deviceId) =>
      [1, 2].map((value) => ({ deviceId, input: { timestamp: dayStart(day) + value, metrics: { value } } })),
    );
    await here.ingest.store(sent);
    const rowsOf = async (deviceId: string) => (await here.readings.page({ deviceId, day })).rows.length;
    const inTable = async () => [await rowsOf('d-a'), await rowsOf('d-b'), await rowsOf('d-c')];
    const readable = async () =>
      (
        await Promise.all(
          ['d-a', 'd-b', 'd-c'].map((deviceId) =>
            here.reads.readings({ deviceId, from: dayStart(day), to: dayEnd(day) }, { limit: 10 }),
          ),
        )
      ).map(({ items }) => items.length);
    const odd = ({ operation, tables, text }: SeenCall) =>
      operation === 'BatchWrite' &&
      tables.includes('DeviceData') &&
      text.includes(`"d-b#${day}"`) &&
      text.includes('00.001Z');
    await whileRefusing(odd, () => archiveNow(here, day, { left: 1_000 }));
    expect(await here.archives.find(day)).toMatchObject({ state: 'archived', rows: 6 });
    expect([await inTable(), await readable()]).toEqual([
      [0, 1, 0],
      [2, 2, 2],
    ]);
    expect(skipped).toEqual([expect.stringContaining('of d-b')]);
    await whileRefusing(odd, () => restore(here, day, { left: 1_000 }));
    expect(await here.archives.find(day)).toMatchObject({ state: 'restored' });
    expect([await inTable(), await readable()]).toEqual([
      [2, 2, 2],
      [2, 2, 2],
    ]);
    expect(skipped).toHaveLength(2);
  },
);
