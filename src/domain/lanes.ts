/**
 * Calls `work` for all items in their order, at most `lanes` at once. After a failure it begins no further item, and
 * waits for the work that has begun.
 * @returns the results in the order of the items.
 * @throws the first failure.
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
  // TypeScript does not see the assignments inside `lane`.
  const failed = failure as { error: unknown } | undefined;
  if (failed) throw failed.error;
  return results;
}
