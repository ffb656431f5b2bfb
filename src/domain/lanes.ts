/**
 * Does work on all items, at most so many at once, in their order. After a failure no further item is begun; the work
 * that has begun is over when this returns or throws.
 * @returns the results, in the items' order. @throws the first failure.
 */
export async function inLanes<T, R>(
  items: readonly T[],
  lanes: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failure: { error: unknown } | undefined;
  const lane = async () => {
    for (let index = next++; index < items.length && !failure; index = next++)
      try {
        results[index] = await work(items[index] as T, index);
      } catch (error) {
        failure ??= { error };
      }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  // Assigned in the lanes, which the compiler does not follow.
  const failed = failure as { error: unknown } | undefined;
  if (failed) throw failed.error;
  return results;
}
