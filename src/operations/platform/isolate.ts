import { isLongwatchError, isPermanent } from '../../domain/errors';
import { inLanes } from '../../domain/lanes';

/**
 * Does work on items in one go and, where one of them makes it fail for good, bisects: the others are done all the
 * same,
 * in their order. The work must be idempotent, because items that were done may be done again.
 * @param refused makes the result of an item that alone makes the work fail for good.
 * @param isolated says which failures are an item's own.
 * @returns the results, in the items' order. @throws every other failure: all is to be tried again.
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
    // One after the other: their order may matter.
    const before = await isolate(items.slice(0, middle), work, refused, isolated);
    return [...before, ...(await isolate(items.slice(middle), work, refused, isolated))];
  }
}

/**
 * Reports an entity (a follower, a player, a device) that background work skipped because a step for it was refused for
 * good.
 */
export type OnSkipped = (entity: string, error: unknown) => void;

/** Returns whether a failure may be one entity's own. A missing grant stops the work for every entity, so it is not. */
export const isOfOne = (error: unknown): boolean =>
  isPermanent(error) && !(isLongwatchError(error) && error.detail.isOurFault === true);

/**
 * Does idempotent work on entities that have no dead letter, and skips those for which alone it is refused for good.
 * The work
 * is done for all others.
 * @returns the entities that were skipped. @throws a missing grant, and a refusal of every one of several entities:
 *   the cause is
 * not one of them, so the caller's workflow must hold and do all of them later.
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
 * As `skipRefused`, for work that takes each entity by itself: it is done once for each of them, at most so many at
 * once.
 * @throws as `skipRefused`; and every failure that passes.
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
