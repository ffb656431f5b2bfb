import type { Consumer } from '../../src/activities/operations/consumer';
import type { ShardReport } from '../../src/activities/operations/types';

/** One attempt at a shard that stops as soon as the shard is at rest, or at the signal. */
export async function readShard(consumer: Pick<Consumer<never>, 'consume'>, shardId: string, signal?: AbortSignal): Promise<ShardReport> {
  const stop = new AbortController();
  let before: string | undefined;
  return consumer.consume(shardId, {
    signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
    forMs: 60_000,
    heartbeat({ position }) {
      if (position === before) stop.abort();
      before = position;
    },
  });
}

/** Reads every shard to its rest or end, and those that continue ended ones. */
export async function readAll(consumer: Pick<Consumer<never>, 'consume' | 'openShards'>): Promise<ShardReport[]> {
  const all: ShardReport[] = [];
  for (;;) {
    const open = await consumer.openShards();
    const reports = await Promise.all(open.map(({ shardId }) => readShard(consumer, shardId)));
    all.push(...reports);
    if (reports.every(({ ended }) => !ended)) return all;
  }
}
