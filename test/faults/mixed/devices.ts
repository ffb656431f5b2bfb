import type { Random } from '../../../src/domain/fraud/random';
import { capability, type Reader, type Violation } from './capability';
import { READINGS } from './deployment';

const DEVICES = Array.from({ length: 8 }, (_, i) => `sensor-${i + 1}`);
const HOUR_MS = 3_600_000;
/** Readings are of the last hours, yesterday's among them. */
const BACK_MS = 26 * HOUR_MS;

interface Reading {
  timestamp: string;
  metrics: { seq: number; level: number; isOn: boolean };
}

interface Sent {
  deviceId: string;
  reading: Reading;
  /** By which path it was acknowledged first. */
  taken?: 'HTTP' | 'MQTT' | 'Kinesis';
}

interface Journal {
  /** By its number, which no other reading has. */
  sent: Map<number, Sent>;
}

/** Readings by three paths: each on record once, and rollups what the readings give. */
export const devices = capability<Journal>({
  name: 'devices',
  lanes: 3,
  pauseMs: 120,

  prepare: async () => ({ sent: new Map() }),

  async operate(caller, random, journal, id) {
    const deviceId = random.pick(DEVICES);
    const path = random.next();
    const count = random.integer(1, 5);
    const all = Array.from({ length: count }, (_, i) => newReading(random, journal, deviceId, numberOf(id) + i));
    const again = random.chance(0.1);
    const readings = all.map(({ reading }) => reading);
    const taken = (by: NonNullable<Sent['taken']>) => all.forEach((one) => (one.taken ??= by));
    const byHttp = async () => {
      const told = await caller.send({ method: 'post', path: `/v1/devices/${deviceId}/readings`, body: { readings } });
      if (told.kind === 'acknowledged') taken('HTTP');
    };
    const byMqtt = () => caller.publish(`devices/${deviceId}/readings`, { readings }, () => taken('MQTT'));
    const byKinesis = async () => {
      if (await caller.put(READINGS, deviceId, JSON.stringify({ deviceId, readings }))) taken('Kinesis');
    };
    const paths = [byHttp, byMqtt, byKinesis];
    const first = path < 0.4 ? 0 : path < 0.7 ? 1 : 2;
    await paths[first]?.();
    // The same readings once more, by another path.
    if (again) await paths[(first + 1) % 3]?.();
  },

  async poison(caller, _random, _journal, id) {
    let taken = 0;
    for (const data of [
      'nonsense',
      JSON.stringify({ deviceId: 'sensor-1', readings: [{ timestamp: id, metrics: { seq: 1 } }] }),
    ])
      if (await caller.put(READINGS, id, data)) taken++;
    return taken;
  },

  async verify(reader, { sent }) {
    const violations: Violation[] = [];
    let verified = 0;
    const from = new Date(Date.now() - BACK_MS - 2 * HOUR_MS).toISOString();
    for (const deviceId of DEVICES) {
      const stored = await pages<Reading & { readingId: string }>(
        reader,
        `/v1/devices/${deviceId}/readings?limit=500&from=${from}`,
      );
      const bySeq = new Map<number, Reading[]>();
      for (const one of stored) bySeq.set(one.metrics.seq, [...(bySeq.get(one.metrics.seq) ?? []), one]);
      for (const [seq, { reading, taken }] of [...sent].filter(([, one]) => one.deviceId === deviceId)) {
        const found = bySeq.get(seq) ?? [];
        bySeq.delete(seq);
        if (taken) verified++;
        const isRight = found.length === 1 ? isSame(found[0] as Reading, reading) : found.length === 0 && !taken;
        if (!isRight)
          violations.push({
            operation: `reading ${seq} of ${deviceId}`,
            acknowledged: taken ? `${JSON.stringify(reading)} by ${taken}` : 'nothing',
            found: `${found.length} times: ${JSON.stringify(found)}`,
          });
      }
      for (const [seq, found] of bySeq)
        violations.push({
          operation: `reading ${seq} of ${deviceId}`,
          acknowledged: 'nobody sent it',
          found: JSON.stringify(found),
        });
      violations.push(...(await wrongRollups(reader, deviceId, stored, from)));
    }
    return { verified, violations };
  },
});

/** Of an operation's readings the first: `…-<lane>-<operation>`. */
function numberOf(id: string): number {
  const [operation = 0, lane = 0] = id.split('-').toReversed().map(Number);
  return lane * 10_000_000 + operation * 10;
}

function newReading(random: Random, journal: Journal, deviceId: string, seq: number): Sent {
  const timestamp = new Date(Date.now() - random.integer(0, random.chance(0.2) ? BACK_MS : 10 * 60_000)).toISOString();
  const one: Sent = {
    deviceId,
    reading: { timestamp, metrics: { seq, level: random.integer(-1_000, 1_000), isOn: random.chance(0.5) } },
  };
  journal.sent.set(seq, one);
  return one;
}

const isSame = ({ timestamp, metrics }: Reading, other: Reading): boolean =>
  timestamp === other.timestamp &&
  metrics.seq === other.metrics.seq &&
  metrics.level === other.metrics.level &&
  metrics.isOn === other.metrics.isOn;

const widths = { '1m': 60_000, '1h': HOUR_MS, '1d': 24 * HOUR_MS } as const;

interface Rollup {
  from: string;
  readings: number;
  metrics: Record<string, { count: number; sum: number; min: number; max: number }>;
}

/** Rollups against the readings themselves. Whole numbers, whose sums no order changes. */
async function wrongRollups(
  reader: Reader,
  deviceId: string,
  stored: readonly Reading[],
  from: string,
): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const [resolution, width] of Object.entries(widths)) {
    const expected = new Map<string, Reading[]>();
    for (const one of stored) {
      const at = Date.parse(one.timestamp);
      const bucket = new Date(at - (at % width)).toISOString();
      expected.set(bucket, [...(expected.get(bucket) ?? []), one]);
    }
    const found = new Map(
      (
        await pages<Rollup>(reader, `/v1/devices/${deviceId}/readings?limit=1000&resolution=${resolution}&from=${from}`)
      ).map((one) => [one.from, one]),
    );
    for (const bucket of new Set([...expected.keys(), ...found.keys()])) {
      const sums = summary(expected.get(bucket) ?? []);
      const rollup = found.get(bucket);
      const shown = rollup
        ? JSON.stringify([
            rollup.readings,
            ...names.map((name) => [
              rollup.metrics[name]?.count,
              rollup.metrics[name]?.sum,
              rollup.metrics[name]?.min,
              rollup.metrics[name]?.max,
            ]),
          ])
        : 'none';
      if (shown !== sums)
        violations.push({
          operation: `rollup ${resolution} of ${deviceId} from ${bucket}`,
          acknowledged: `readings give ${sums}`,
          found: shown,
        });
    }
  }
  return violations;
}

const names = ['seq', 'level', 'isOn'] as const;

/** Readings, and of each metric count, sum, least and greatest. */
function summary(readings: readonly Reading[]): string {
  const of = (name: (typeof names)[number]) => {
    const values = readings.map(({ metrics }) => Number(metrics[name]));
    return [values.length, values.reduce((sum, one) => sum + one, 0), Math.min(...values), Math.max(...values)];
  };
  return JSON.stringify([readings.length, ...names.map(of)]);
}

async function pages<T>(reader: Reader, path: string): Promise<T[]> {
  const all: T[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await reader.get<{ items: T[]; cursor?: string }>(
      `${path}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    all.push(...page.items);
    cursor = page.cursor;
    if (cursor === undefined) return all;
  }
}
