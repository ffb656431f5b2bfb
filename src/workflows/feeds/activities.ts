import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { FeedsActivities } from '../../activities/feeds/types';
import type { FanOutPlan } from '../../domain/feeds/ranges';
import { FEEDS_BULK_QUEUE, FEEDS_QUEUE } from '../../domain/feeds/workflows';

/**
 * Going through followers. Retried for as long as it takes: what is written twice is written once. The heartbeat tells
 * within half a minute that a worker died, and where to go on. Large ones wait in a queue of their own; there, servers
 * that know fairness keys let authors take turns.
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

/** One reader's feed, or one item: quick, and retried for as long as it takes. */
export const { settleRelation, completeTurn } = proxyActivities<FeedsActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
