import { nearestName } from '../domain/nearest';
import { PLATFORM_QUEUE } from '../domain/platform/workflows';

/** What a task queue needs of a worker. */
export interface QueueSpec {
  /** Activities of the queue that one process runs at once. A shard's reader holds its slot for as long as it reads. */
  concurrentActivities: number;
  /**
   * The queue has workflows that never end: the relay, readers of streams, sweepers. Pinned to a build they would keep
   * its
   * workers for ever, so on these queues all workflows move to the current build.
   */
  endless?: true;
  /**
   * Queues of one group share processes on AWS: streams and archives must not take the slots of what customers wait
   * for.
   */
  group: 'requests' | 'feeds' | 'streams';
}

export type Queues = Readonly<Record<string, QueueSpec>>;

export class UnknownQueueError extends Error {
  override readonly name = 'UnknownQueueError';
}

/**
 * The queues that this process serves: all of its capabilities, or those listed (comma separated, with or without the
 * `longwatch-` prefix). `platform` is an alias of `longwatch-operations`, a name that running deployments keep.
 * @throws UnknownQueueError naming the known ones.
 */
export function selectQueues(queues: Queues, listed: string | undefined): readonly string[] {
  const names = Object.keys(queues);
  if (listed === undefined) return names;
  return listed.split(',').map((entry) => {
    const name = entry.trim();
    const found =
      name === 'platform' ? PLATFORM_QUEUE : names.find((queue) => queue === name || queue === `longwatch-${name}`);
    if (found) return found;
    const nearest = nearestName(name, names, /^longwatch-/);
    const advice = nearest === undefined ? '.' : `; did you mean ${nearest}?`;
    throw new UnknownQueueError(`there is no queue "${name}"${advice} Known queues: ${names.join(', ')}`);
  });
}
