import { isLongwatchError, isPermanent } from '../../domain/errors';
import { inLanes } from '../../domain/lanes';

/**
 * Does work on all items in one call. If an item makes the call fail permanently, bisects the items until that item is
 * alone; all other items are processed, in their order. The work must be idempotent, because an item may be processed
 * more than once.
 * @param refused makes the result of an item whose own call fails permanently
 * @param isolated returns whether a failure belongs to a single item
 * @returns the results, in the order of the items
 * @throws every other failure; the caller must retry all items
 */
export async function isolate<T, R>(
  items: readonly T[],
  work: (items: readonly T[]) => Promise<R[]>,
  refused: (item: T, error: unknown) => R | Promise<R>,
  isolated: (error: unknown) => boolean = isPermanent,
): Promise<R[]> {
  try {
    return await work(items);
  } catch (error) {
    const [first] = items;
    if (first === undefined || !isolated(error)) throw error;
    if (items.length === 1) return [await refused(first, error)];
    const middle = Math.ceil(items.length / 2);
    // Sequential, because the order of the items may matter.
    const before = await isolate(items.slice(0, middle), work, refused, isolated);
    return [...before, ...(await isolate(items.slice(middle), work, refused, isolated))];
  }
}

/**
 * Reports an entity (a follower, a player, a device) that background work skipped, because DynamoDB or Temporal refuses
 * its step permanently.
 */
export type OnSkipped = (entity: string, error: unknown) => void;

/**
 * Returns whether a failure may concern a single entity. A missing grant stops the work for every entity, so it does
 * not count.
 */
export const isOfOne = (error: unknown): boolean =>
  isPermanent(error) && !(isLongwatchError(error) && error.detail.isOurFault === true);

/**
 * Does idempotent work on entities that have no dead letter. Skips each entity whose own work is refused permanently
 * and processes all others.
 * @returns the skipped entities
 * @throws a missing grant; also the refusal if all of several entities are refused. Then the cause is not a single
 *   entity, so the caller's workflow must hold the step and repeat it for all entities
 */
export async function skipRefused<T>(
  entities: readonly T[],
  work: (entities: readonly T[]) => Promise<unknown>,
  onSkipped: (entity: T, error: unknown) => void,
): Promise<Set<T>> {
  const refused: Refusal<T>[] = [];
  await isolate<T, undefined>(
    entities,
    async (some) => {
      await work(some);
      return [];
    },
    (entity, error) => void refused.push({ entity, error }),
    isOfOne,
  );
  return reported(entities, refused, onSkipped);
}

/**
 * Does the same as `skipRefused` for work that takes one entity at a time: calls it once per entity, with at most
 * `lanes` calls in parallel.
 * @returns the skipped entities
 * @throws the same errors as `skipRefused`, and every temporary failure
 */
export async function skipEachRefused<T>(
  entities: readonly T[],
  lanes: number,
  work: (entity: T) => Promise<unknown>,
  onSkipped: (entity: T, error: unknown) => void,
): Promise<Set<T>> {
  const refused: Refusal<T>[] = [];
  await inLanes(entities, lanes, async (entity) => {
    try {
      await work(entity);
    } catch (error) {
      if (!isOfOne(error)) throw error;
      refused.push({ entity, error });
    }
  });
  return reported(entities, refused, onSkipped);
}

interface Refusal<T> {
  entity: T;
  error: unknown;
}

function reported<T>(
  entities: readonly T[],
  refused: readonly Refusal<T>[],
  onSkipped: (entity: T, error: unknown) => void,
): Set<T> {
  if (refused.length > 1 && refused.length === entities.length) throw refused[0]?.error;
  for (const { entity, error } of refused) onSkipped(entity, error);
  return new Set(refused.map(({ entity }) => entity));
}
