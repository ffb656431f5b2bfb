import type { FeedRowStore } from '../../stores/feeds/feedRows';
import type { FeedStateStore } from '../../stores/feeds/feedState';

/** Removes the oldest rows of a feed that exceeds the cap. */
export async function trimFeed(
  { states, rows }: { states: FeedStateStore; rows: FeedRowStore },
  readerId: string,
  cap: number,
): Promise<void> {
  const all = await rows.all(readerId);
  const firstOut = all[cap];
  if (!firstOut) return;
  // Move the border first. A concurrent read then starts again and reads everything up to the border from the authors'
  // lists.
  await states.raiseCompleteAfter(readerId, firstOut.key);
  await rows.remove(all.slice(cap));
}
