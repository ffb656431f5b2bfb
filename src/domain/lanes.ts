/**
 * Does work on all items, at most so many at once, in their order. All of it is over when this returns or throws.
 * @returns the results, in the items' order. @throws the first failure.
 */
export async function inLanes<T, R>(items: readonly T[], lanes: number, work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as T, index);
  };
  const failed = (await Promise.allSettled(Array.from({ length: lanes }, lane))).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return results;
}
