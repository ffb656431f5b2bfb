import { nearestName } from '../domain/nearest';
import { PLATFORM_QUEUE } from '../domain/platform/workflows';

/** The requirements of a task queue. */
export interface QueueSpec {
  /** Activities of the queue that one process runs in parallel. A shard's reader uses its slot as long as it reads. */
  concurrentActivities: number;
  /**
   * Whether the queue has workflows that never end: the outbox relay, stream readers, session sweepers. Pinned to a
   * build, they would need its workers forever, so all workflows of these queues move to the current build.
   */
  endless?: true;
  /** The queue has activities but no workflows, so its worker needs no thread with the workflow code. */
  activitiesOnly?: true;
  /**
   * Queues of one group share processes on AWS, so that streams and archives do not use the slots of work that
   * customers wait for.
   */
  group: 'requests' | 'feeds' | 'streams';
}

/** The task queues by name. */
export type Queues = Readonly<Record<string, QueueSpec>>;

/** The error for a queue that does not exist. */
export class UnknownQueueError extends Error {
  override readonly name = 'UnknownQueueError';
}

/**
 * Returns the queues that this process serves: all of its capabilities, or the listed ones (comma separated, with or
 * without the `longwatch-` prefix). `platform` is an alias of `longwatch-operations`, the name in running deployments.
 * @throws UnknownQueueError with the known queues.
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
