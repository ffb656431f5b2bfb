import type { PostRef } from './post';

/** The direction of reading a feed. */
export type FeedDirection = 'older' | 'newer';

/** A range of keys in order of time. Both ends are exclusive; an absent end is unlimited. */
export interface Window {
  after?: string;
  before?: string;
}

/** Returns the rest of a window after a read has reached a key. */
export function beyond(window: Window, key: string, direction: FeedDirection): Window {
  return direction === 'older' ? { ...window, before: key } : { ...window, after: key };
}

/** Merges references of several lists in the direction of reading, without duplicates, up to a limit. */
export function merged(lists: readonly (readonly PostRef[])[], direction: FeedDirection, limit: number): PostRef[] {
  const byKey = new Map<string, PostRef>();
  for (const list of lists) for (const ref of list) byKey.set(ref.key, ref);
  const sign = direction === 'older' ? -1 : 1;
  return [...byKey.values()].sort((a, b) => (a.key < b.key ? -sign : sign)).slice(0, limit);
}
