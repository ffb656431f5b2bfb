import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { FeedsActivities } from '../../activities/feeds/types';
import type { FanOutPlan } from '../../domain/feeds/ranges';
import { FEEDS_BULK_QUEUE, FEEDS_QUEUE } from '../../domain/feeds/workflows';

/**
 * Activities that visit followers. Retried without limit; repeated writes have no further effect. The heartbeat reveals
 * a failed worker within half a minute, and contains the position at which the next attempt continues. Large fan-outs
 * use a queue of their own, where servers with fairness keys alternate between authors.
 */
export function followerActivities(authorId: string, { bulk }: FanOutPlan) {
  return proxyActivities<Pick<FeedsActivities, 'deliver' | 'retract' | 'turnFollowers'>>({
    taskQueue: bulk ? FEEDS_BULK_QUEUE : FEEDS_QUEUE,
    startToCloseTimeout: '2 hours',
    heartbeatTimeout: '30 s',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '1 minute' },
    ...(bulk && { priority: { fairnessKey: authorId } }),
  });
}

/** Activities on one reader's feed or one item: fast, retried without limit. */
export const { settleRelation, completeTurn } = proxyActivities<FeedsActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
