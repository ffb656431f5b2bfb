import {
  condition,
  continueAsNew,
  ParentClosePolicy,
  patched,
  proxyActivities,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { PlatformActivities } from '../../activities/platform/types';
import { showDetails } from '../cancellation';
import { SHARD_TYPE, shardWorkflowId, type StreamInput } from '../../domain/platform/workflows';
import type { shard } from './shard';

// A short call that lists shards. Retried without limit, because without it a new shard is never read.
const { openShards } = proxyActivities<PlatformActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1 s', maximumInterval: '1 minute' },
});

/** Interval of listing shards again. New shards usually appear when one ends, which also wakes this workflow. */
const LIST_EVERY_MS = 60 * 60_000;
/** Shorter interval when a previous run started some shards, because this run cannot await their end. */
const LIST_EVERY_UNAWAITED_MS = 5 * 60_000;

/** Reads a stream with one child workflow per shard. `openShards` returns a shard once its parents have ended. */
export async function stream({ stream: name }: StreamInput): Promise<void> {
  const running = new Set<string>();
  let unawaited = false;
  // Histories without this patch miss the end of a shard that an earlier iteration started; its children wait an hour.
  const heedsEveryEnd = patched('heeds-every-end');
  let ends = 0;
  while (!workflowInfo().continueAsNewSuggested) {
    const endsSeen = ends;
    const open = await openShards(name);
    let wake: () => void = () => undefined;
    const shardEnded = new Promise<void>((resolve) => (wake = resolve));
    for (const { shardId } of open.filter((one) => !running.has(one.shardId))) {
      const child = await startShard(name, shardId);
      running.add(shardId);
      if (child === 'running already') unawaited = true;
      else
        void child.result().then(
          () => {
            ends++;
            wake();
          },
          () => {
            running.delete(shardId); // It failed or was terminated: the next iteration restarts it.
            ends++;
            wake();
          },
        );
    }
    showDetails(`Reading **${open.length}** shard(s) of \`${name}\`.`);
    const listAgainMs = unawaited ? LIST_EVERY_UNAWAITED_MS : LIST_EVERY_MS;
    if (heedsEveryEnd) await condition(() => ends > endsSeen, listAgainMs);
    else await Promise.race([shardEnded, sleep(listAgainMs)]);
    if (unawaited) running.clear();
  }
  await continueAsNew<typeof stream>({ stream: name });
}

async function startShard(name: string, shardId: string) {
  try {
    return await startChild<typeof shard>(SHARD_TYPE, {
      workflowId: shardWorkflowId(name, shardId),
      args: [{ stream: name, shardId }],
      // The shard's workflow continues when this workflow continues as new.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `Shard of ${name}`,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return 'running already' as const;
    throw error;
  }
}
