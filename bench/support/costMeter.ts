import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestGraph } from '../../test/support/graph';

export interface Units {
  read: number;
  write: number;
}

/** After this time, work that continues after an answer (dispatched outbox entries, counts) has ended. */
const SETTLE_MS = 800;

/**
 * Measures the units of an operation from ReturnConsumedCapacity, minus the units that the idle process consumes in the
 * same time.
 */
export class CostMeter {
  /** Units per second of the idle process. */
  private idle: Units = { read: 0, write: 0 };

  constructor(private readonly graph: TestGraph) {}

  /** Returns the units that this process has consumed since it started. */
  async total(): Promise<Units> {
    const { values } = await this.graph.metrics.registry.getSingleMetric('longwatch_dynamodb_units_total')!.get();
    const of = (kind: string) =>
      values.filter(({ labels }) => labels['kind'] === kind).reduce((sum, { value }) => sum + value, 0);
    return { read: of('read'), write: of('write') };
  }

  /** Measures the consumption of the idle process. @returns units per hour. */
  async rest(seconds: number): Promise<Units> {
    await sleep(2_000);
    const before = await this.total();
    await sleep(seconds * 1_000);
    const after = await this.total();
    this.idle = { read: (after.read - before.read) / seconds, write: (after.write - before.write) / seconds };
    return { read: Math.round(this.idle.read * 3_600), write: Math.round(this.idle.write * 3_600) };
  }

  /** Returns the units of one of `times` operations, including the work that follows until `done`. */
  async of(
    times: number,
    work: () => Promise<unknown>,
    done: () => Promise<unknown> = async () => undefined,
  ): Promise<Units> {
    await sleep(SETTLE_MS);
    const started = performance.now();
    const before = await this.total();
    await work();
    await done();
    await sleep(SETTLE_MS);
    const after = await this.total();
    const seconds = (performance.now() - started) / 1_000;
    const each = (kind: keyof Units) =>
      Math.max(0, Math.round(((after[kind] - before[kind] - this.idle[kind] * seconds) / times) * 100) / 100);
    return { read: each('read'), write: each('write') };
  }

  /**
   * Returns the average bytes of a table's items, as DynamoDB counts them for storage.
   * @param only selects the items to count.
   */
  async bytes(table: string, only: (item: Record<string, unknown>) => boolean = () => true): Promise<number> {
    const { db } = this.graph.dynamodb;
    const { Items = [] } = await db.client.send(new ScanCommand({ TableName: db.table(table) }));
    const sizes = Items.filter(only).map(itemBytes);
    if (sizes.length === 0) throw new Error(`${table} holds nothing to measure`);
    return Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length);
  }
}

/**
 * Returns the stored size of an item: names and values in UTF-8, a number as one byte per two digits plus one, and 100
 * bytes that AWS adds to each item for its index. Source: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and
 * formats", and pricing, "data storage".
 */
function itemBytes(item: Record<string, unknown>): number {
  return (
    100 + Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0)
  );
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return Math.ceil(String(value).replace(/\D/g, '').length / 2) + 1;
  if (typeof value === 'boolean' || value === null || value === undefined) return 1;
  if (value instanceof Uint8Array) return value.length;
  if (value instanceof Set) return 3 + [...value].reduce<number>((sum, one) => sum + valueBytes(one) + 1, 0);
  if (Array.isArray(value)) return 3 + value.reduce<number>((sum, one) => sum + valueBytes(one) + 1, 0);
  return (
    3 +
    Object.entries(value as object).reduce((sum, [name, one]) => sum + Buffer.byteLength(name) + valueBytes(one) + 1, 0)
  );
}
