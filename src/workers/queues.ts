import { nearestName } from '../domain/nearest';
import { CARTS_QUEUE } from '../domain/carts/workflows';
import { DEVICES_QUEUE } from '../domain/devices/workflows';
import { FEEDS_BULK_QUEUE, FEEDS_QUEUE } from '../domain/feeds/workflows';
import { FRAUD_QUEUE } from '../domain/fraud/workflows';
import { LEADERBOARDS_QUEUE } from '../domain/leaderboards/workflows';
import { PLATFORM_QUEUE } from '../domain/platform/workflows';
import { SESSIONS_QUEUE } from '../domain/sessions/workflows';

/** Every task queue. */
export const queues = [FRAUD_QUEUE, SESSIONS_QUEUE, CARTS_QUEUE, LEADERBOARDS_QUEUE, FEEDS_QUEUE, FEEDS_BULK_QUEUE, DEVICES_QUEUE, PLATFORM_QUEUE] as const;
export type Queue = (typeof queues)[number];

/**
 * Queues with workflows that never end: the relay, readers of streams, sweepers, silence. Pinned to a build they would
 * keep its workers for ever, so that on these queues all go over to the current build.
 */
export const endlessQueues: ReadonlySet<Queue> = new Set([PLATFORM_QUEUE, SESSIONS_QUEUE, DEVICES_QUEUE]);

/** Activities of a queue that one process runs at once. A shard's reader holds its slot for as long as it reads. */
export const concurrentActivities: Readonly<Record<Queue, number>> = { [FRAUD_QUEUE]: 50, [SESSIONS_QUEUE]: 50, [CARTS_QUEUE]: 50, [LEADERBOARDS_QUEUE]: 20, [FEEDS_QUEUE]: 50, [FEEDS_BULK_QUEUE]: 16, [DEVICES_QUEUE]: 20, [PLATFORM_QUEUE]: 200 };

export class UnknownQueueError extends Error {
  override readonly name = 'UnknownQueueError';
}

/**
 * The queues that this process serves: all, or those listed (comma separated, with or without the
 * `longwatch-` prefix). `platform` is an alias of `longwatch-operations`, a name that running deployments keep.
 * @throws UnknownQueueError naming the known ones.
 */
export function selectQueues(listed: string | undefined): readonly Queue[] {
  if (listed === undefined) return queues;
  return listed.split(',').map((entry) => {
    const name = entry.trim();
    const found = name === 'platform' ? PLATFORM_QUEUE : queues.find((queue) => queue === name || queue === `longwatch-${name}`);
    if (found) return found;
    const nearest = nearestName(name, queues, /^longwatch-/);
    throw new UnknownQueueError(`there is no queue "${name}"${nearest === undefined ? '' : `; did you mean ${nearest}?`} Known queues: ${queues.join(', ')}`.replace('" Known', '". Known'));
  });
}
