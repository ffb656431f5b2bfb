import type { PostRef } from './post';

export type FeedDirection = 'older' | 'newer';

/** A part of the order of time: both ends exclusive, absent where there is none. */
export interface Window {
  after?: string;
  before?: string;
}

/** Where a reading stands in a window once it has come to a key. */
export function beyond(window: Window, key: string, direction: FeedDirection): Window {
  return direction === 'older' ? { ...window, before: key } : { ...window, after: key };
}

/** References of several lists in the order of reading, each post once; at most so many. */
export function merged(lists: readonly (readonly PostRef[])[], direction: FeedDirection, limit: number): PostRef[] {
  const byKey = new Map<string, PostRef>();
  for (const list of lists) for (const ref of list) byKey.set(ref.key, ref);
  const sign = direction === 'older' ? -1 : 1;
  return [...byKey.values()].sort((a, b) => (a.key < b.key ? -sign : sign)).slice(0, limit);
}
