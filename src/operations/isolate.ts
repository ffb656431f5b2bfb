import { isPermanent } from '../domain/errors';

/**
 * Does work on items in one go and, where one of them makes it fail for good, bisects: the others are done all the same,
 * in their order. The work must be idempotent, because items that were done may be done again.
 * @param refused makes the result of an item that alone makes the work fail for good.
 * @returns the results, in the items' order. @throws what passes (away, a lost race): all is to be tried again.
 */
export async function isolate<T, R>(items: readonly T[], work: (items: readonly T[]) => Promise<R[]>, refused: (item: T, error: unknown) => R | Promise<R>): Promise<R[]> {
  try {
    return await work(items);
  } catch (error) {
    const [first] = items;
    if (first === undefined || !isPermanent(error)) throw error;
    if (items.length === 1) return [await refused(first, error)];
    const middle = Math.ceil(items.length / 2);
    // One after the other: their order may matter.
    const before = await isolate(items.slice(0, middle), work, refused);
    return [...before, ...(await isolate(items.slice(middle), work, refused))];
  }
}
