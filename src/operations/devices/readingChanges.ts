import type { AlertEvent } from '../../domain/devices/alerts';
import { liveReadings } from '../../domain/devices/live';
import type { ReadingRow } from '../../domain/devices/reading';
import { addReadings, bucketStart, resolutions } from '../../domain/devices/rollup';
import type { StreamRecord } from '../../gateways/streams/source';
import type { ItemChange } from '../../gateways/streams/tableStream';
import type { AlertRules } from './alertRules';
import type { AlertStarts } from './alertStarts';
import { rowOf } from '../../stores/devices/keys';
import { type Item, MalformedItem } from '../../stores/items';
import type { LiveStore } from '../../stores/devices/live';
import { isSentinel } from '../../stores/devices/readings';
import { type RollupKey, rollupId, type RollupStore } from '../../stores/devices/rollups';
import type { SentinelStore } from '../../stores/devices/sentinels';
import type { TransactItem } from '../../stores/platform/outbox';
import type { Poison, StreamHandler } from '../platform/streams/streamHandler';

/** The parts that {@link readingChanges} needs. */
export interface ReadingChangeParts {
  rollups: RollupStore;
  live: LiveStore;
  sentinels: SentinelStore;
  rules: Pick<AlertRules, 'of'>;
  alerts: AlertStarts;
}

/**
 * Maximum number of effects per batch. A transaction has at most 100 items, and the checkpoint and the start of the
 * alert notifications need some of them.
 */
const MAX_EFFECTS = 97;
/** Items of a device besides its rollups: its live state, and its deadline. */
const PER_DEVICE = 2;
const MAX_RECORDS = 1_000;

/** Makes the handler that folds new readings into rollups, the live state of each device, and its alerts. */
export function readingChanges(parts: ReadingChangeParts): StreamHandler<ItemChange> {
  return {
    *batches(records) {
      let batch: StreamRecord<ItemChange>[] = [];
      let effects = new Map<string, number>();
      let sum = 0;
      for (const record of records) {
        const cost = costOf(record.data);
        let added = 0;
        for (const [key, count] of cost) if (!effects.has(key)) added += count;
        if (batch.length >= MAX_RECORDS || sum + added > MAX_EFFECTS) {
          yield batch;
          [batch, effects, sum] = [[], new Map(), 0];
        }
        batch.push(record);
        for (const [key, count] of cost) {
          if (!effects.has(key)) sum += count;
          effects.set(key, count);
        }
      }
      if (batch.length > 0) yield batch;
    },
    async handle(batch) {
      const poison: Poison<ItemChange>[] = [];
      const rows: ReadingRow[] = [];
      const sentinels: TransactItem[] = [];
      for (const record of batch) {
        const reason = faultOf(record.data);
        if (reason !== undefined) poison.push({ record, reason });
        else if (isSentinelChange(record.data)) sentinels.push(parts.sentinels.seen(record.data.after as Item));
        else if (isNewReading(record.data)) rows.push(rowOf(record.data.after as Item));
      }
      const effects = [...(await rollupEffects(parts, rows)), ...(await liveEffects(parts, rows)), ...sentinels];
      return { effects, poison, counts: { counted: rows.length, passed: batch.length - rows.length - poison.length } };
    },
  };
}

/**
 * Returns whether a change is a new reading. Only new readings are counted. Archiving and retention delete rows without
 * changing counts, a restored row was counted before, and a reading never changes.
 */
const isNewReading = ({ before, after }: ItemChange): boolean =>
  before === undefined && after !== undefined && after['Restored'] !== true;
const isSentinelChange = ({ after }: ItemChange): boolean =>
  typeof after?.['TimestampSeq'] === 'string' && isSentinel(after['TimestampSeq']);

function faultOf(change: ItemChange): string | undefined {
  const { after } = change;
  if (!after || isSentinelChange(change)) return undefined;
  try {
    const { timestamp, metrics } = rowOf(after);
    if (Number.isNaN(timestamp)) return 'TimestampSeq does not begin with an instant';
    JSON.parse(metrics);
    return undefined;
  } catch (error) {
    return error instanceof MalformedItem ? error.reason : 'Metrics is not JSON';
  }
}

const rollupKeys = ({ deviceId, timestamp }: ReadingRow): RollupKey[] =>
  resolutions.map((resolution) => ({ deviceId, resolution, bucket: bucketStart(resolution, timestamp) }));

/** Returns the keys of the items that a record may write, with the number of items per key. */
function costOf(change: ItemChange): Map<string, number> {
  if (faultOf(change) !== undefined) return new Map();
  if (isSentinelChange(change)) return new Map([[String(change.after?.['DeviceDay']), 1]]);
  if (!isNewReading(change)) return new Map();
  const row = rowOf(change.after as Item);
  return new Map([...rollupKeys(row).map((key) => [rollupId(key), 1] as const), [row.deviceId, PER_DEVICE]]);
}

async function rollupEffects({ rollups }: ReadingChangeParts, rows: readonly ReadingRow[]): Promise<TransactItem[]> {
  const byRollup = new Map<string, { key: RollupKey; rows: ReadingRow[] }>();
  for (const row of rows)
    for (const key of rollupKeys(row)) {
      const id = rollupId(key);
      const entry = byRollup.get(id) ?? { key, rows: [] };
      byRollup.set(id, entry);
      entry.rows.push(row);
    }
  if (byRollup.size === 0) return [];
  const before = await rollups.read([...byRollup.values()].map(({ key }) => key));
  return [...byRollup].flatMap(([id, { key, rows: its }]) => {
    const found = before.get(id);
    return found ? [rollups.replace(key, found, addReadings(found.rollup, its))] : [];
  });
}

async function liveEffects(
  { live, rules, alerts }: ReadingChangeParts,
  rows: readonly ReadingRow[],
): Promise<TransactItem[]> {
  const byDevice = new Map<string, ReadingRow[]>();
  for (const row of rows) {
    const its = byDevice.get(row.deviceId);
    if (its) its.push(row);
    else byDevice.set(row.deviceId, [row]);
  }
  if (byDevice.size === 0) return [];
  const ids = [...byDevice.keys()];
  const [known, defined] = await Promise.all([live.read(ids), rules.of(ids)]);
  const effects: TransactItem[] = [];
  const events: AlertEvent[] = [];
  for (const [deviceId, its] of byDevice) {
    const before = known.get(deviceId);
    if (!before) continue;
    const step = liveReadings(before.live, its, defined.get(deviceId) ?? []);
    events.push(...step.events);
    if (step.live !== before.live) effects.push(...live.replace(deviceId, before, step.live));
  }
  return [...effects, ...alerts.recording(events)];
}
