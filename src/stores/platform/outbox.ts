import { createHash } from 'node:crypto';
import { BatchWriteCommand, DeleteCommand, type TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import { compositeKey } from '../../domain/ids';
import type { Carrier } from '../../domain/platform/carrier';
import type { Backlog, OutboxEntry } from '../../domain/platform/outbox';
import { currentCarrier } from '../../telemetry/carrier';
import { noteIds } from '../../telemetry/ids';
import type { Db } from '../dynamodb';
import { itemType, text } from '../items';
import { queryOnce } from '../query';
import { platformTables } from './tables';

/** One write of a `TransactWriteItems`. */
export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/**
 * The entries of a kind are spread over this many partitions. No partition gets hot (16 × 1,000 write units a second),
 * and the relay still reads all entries with a few queries.
 */
export const OUTBOX_SHARDS = 16;

const shardOf = (kind: string, id: string): string =>
  compositeKey(kind, createHash('sha256').update(id).digest().readUInt16BE(0) % OUTBOX_SHARDS);

/** Zero-padded, so that string order equals time order until the year 5138. */
const dueKey = (dueAt: number, id: string): string => compositeKey(String(dueAt).padStart(14, '0'), id);
/** Length of the zero-padded instant and the `#` after it. */
const DUE_DIGITS = 15;

const entryItems = itemType(platformTables, 'Starts', { key: text('DueAtID'), entry: text('Debt') });
const entryKeys = entryItems.pick('key');

/** The transactional outbox in the `Starts` table. An entry is recorded in the transaction that makes it necessary. */
export class OutboxStore {
  constructor(private readonly db: Db) {}

  /** Returns the item of a `TransactWriteItems` that records an entry, with the trace of the current request. */
  recording(entry: OutboxEntry): TransactItem {
    const carrier = entry.carrier ?? currentCarrier();
    noteIds({ owes: entry.id });
    return {
      Put: {
        TableName: this.db.table('Starts'),
        Item: { ...keyOf(entry), Debt: encode({ ...entry, ...defined({ carrier }) }) },
      },
    };
  }

  /**
   * Removes dispatched entries. An entry that no longer exists is not an error. If DynamoDB does not delete an entry,
   * the relay dispatches it again, which changes nothing.
   */
  async remove(entries: readonly OutboxEntry[]): Promise<void> {
    const [only, ...more] = entries;
    if (only && more.length === 0)
      await this.db.client.send(new DeleteCommand({ TableName: this.db.table('Starts'), Key: keyOf(only) }));
    else
      for (let i = 0; i < entries.length; i += 25) {
        const requests = entries.slice(i, i + 25).map((entry) => ({ DeleteRequest: { Key: keyOf(entry) } }));
        await this.db.client.send(new BatchWriteCommand({ RequestItems: { [this.db.table('Starts')]: requests } }));
      }
  }

  /**
   * Returns up to `limit` due entries of one kind and shard, oldest first. An eventually consistent read, at half the
   * price: the next query finds an entry that this one misses, and dispatching an entry twice changes nothing.
   */
  async due(kind: string, shard: number, now: number, limit: number): Promise<OutboxEntry[]> {
    const items = await this.query(kind, shard, now, limit);
    return items.map((item) => {
      const { key, entry } = entryItems.read(item);
      return decodeEntry(key.slice(DUE_DIGITS), entry);
    });
  }

  /**
   * Counts the due entries of each kind, up to `limit` per shard. Eventually consistent: the newest entries may be
   * missing.
   */
  async backlog(kinds: readonly string[], now: number, limit = 1_000): Promise<Backlog[]> {
    return Promise.all(
      kinds.map(async (kind) => {
        const shards = await Promise.all(
          Array.from({ length: OUTBOX_SHARDS }, (_, shard) => this.query(kind, shard, now, limit, 'DueAtID')),
        );
        const oldest = shards.flatMap(([first]) =>
          first === undefined ? [] : [Number(entryKeys.read(first).key.slice(0, DUE_DIGITS - 1))],
        );
        return {
          kind,
          due: shards.reduce((sum, keys) => sum + keys.length, 0),
          ...(oldest.length > 0 && { oldestDueAt: Math.min(...oldest) }),
        };
      }),
    );
  }

  private query(
    kind: string,
    shard: number,
    now: number,
    limit: number,
    projection?: string,
  ): Promise<Record<string, unknown>[]> {
    return queryOnce(this.db, {
      table: 'Starts',
      // `Shard` is a reserved word.
      where: '#shard = :shard AND DueAtID < :now',
      names: { '#shard': 'Shard' },
      values: { ':shard': compositeKey(kind, shard), ':now': dueKey(now + 1, '') },
      ...defined({ projection }),
      limit,
    });
  }
}

const keyOf = ({ kind, id, dueAt }: OutboxEntry): { Shard: string; DueAtID: string } => ({
  Shard: shardOf(kind, id),
  DueAtID: dueKey(dueAt, id),
});

const encode = ({ kind, payload, dueAt, carrier }: OutboxEntry): string =>
  JSON.stringify({ kind, [kind]: payload, dueAt, ...defined({ carrier }) });

/** Decodes the stored text of an entry. @param id the entry's id, which the text does not contain. */
export function decodeEntry(id: string, encoded: string): OutboxEntry {
  const { kind, dueAt, carrier, ...rest } = JSON.parse(encoded) as {
    kind: string;
    dueAt: number;
    carrier?: Carrier;
  } & Record<string, unknown>;
  const payload = rest[kind] as { carrier?: Carrier };
  const before = carrier ?? payload.carrier;
  return { kind, id, payload, dueAt, ...defined({ carrier: before }) };
}
