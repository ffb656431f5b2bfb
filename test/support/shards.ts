import type { Consumer } from '../../src/operations/platform/streams/consumer';
import type { ShardReport } from '../../src/domain/platform/streams';

/**
 * Beats without progress until a shard counts as at rest: kinesalite says that a closed one is over only at the second
 * empty read.
 */
const AT_REST = 2;

/** For an attempt that only its signal ends: on a busy machine a test may take any time. */
export const UNTIL_STOPPED_MS = 24 * 3_600_000;

/** One attempt at a shard that stops as soon as the shard is at rest, or at the signal. */
export async function readShard(
  consumer: Pick<Consumer<never>, 'consume'>,
  shardId: string,
  signal?: AbortSignal,
): Promise<ShardReport> {
  const stop = new AbortController();
  let before: string | undefined;
  let still = 0;
  return consumer.consume(shardId, {
    signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
    forMs: UNTIL_STOPPED_MS,
    heartbeat({ position }) {
      still = position === before ? still + 1 : 0;
      if (still === AT_REST) stop.abort();
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
