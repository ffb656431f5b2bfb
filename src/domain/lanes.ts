/** Runs a task for each item, so many at a time; results in the items' order. The first failure is the caller's. */
export async function inLanes<T, R>(items: readonly T[], lanes: number, task: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const entries = items.entries();
  const lane = async (): Promise<void> => {
    // All lanes draw from one iterator.
    for (const [i, item] of entries) results[i] = await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
  return results;
}
