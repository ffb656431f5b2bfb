import type { OutboxEntry, WorkflowStart } from '../../src/domain/platform/outbox';
import type { OutboxWriter } from '../../src/operations/platform/outbox/outbox';
import type { Db } from '../../src/stores/dynamodb';
import { OUTBOX_SHARDS, OutboxStore } from '../../src/stores/platform/outbox';

/** Records entries in a database; what is to be dispatched soon is handed to the test. */
export function outboxOf(db: Db, dispatchSoon: (entry: OutboxEntry) => void = () => undefined): OutboxWriter {
  const store = new OutboxStore(db);
  return { recording: (entry) => store.recording(entry), dispatchSoon };
}

/** All entries of a kind that are due by an instant, epoch ms. */
export async function dueEntries<P = WorkflowStart>(
  db: Db,
  kind = 'start',
  by = Date.now(),
): Promise<OutboxEntry<P>[]> {
  const store = new OutboxStore(db);
  const shards = await Promise.all(
    Array.from({ length: OUTBOX_SHARDS }, (_, shard) => store.due(kind, shard, by, 1_000)),
  );
  return shards.flat() as OutboxEntry<P>[];
}
