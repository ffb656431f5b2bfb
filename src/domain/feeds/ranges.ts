import { fnv1a } from '../fnv1a';
import { compositeKey } from '../ids';

/**
 * An author's followers lie in 256 buckets by a hash of their id, in the order of their sort key, so that a range of
 * buckets is about the same share of followers whatever ids look like.
 */
const BUCKETS = 256;

/** Buckets from and to, both inclusive, as two hexadecimal digits. */
export interface Range {
  from: string;
  to: string;
}

/** A range from after a follower's key on; from its beginning where there is none. */
export interface Slice {
  range: Range;
  after?: string;
}

/** How an author's followers are gone through. */
export interface FanOutPlan {
  ranges: number;
  /** On the queue of large ones, where throughput is governed. */
  bulk: boolean;
  /** Slices after which a run's history is long enough; absent: as the server says. */
  slicesARun?: number;
}

export interface PlanSettings {
  /** Ranges of a large fan-out at most. */
  ranges: number;
  /** More followers than this are a large one. */
  bulkAbove: number;
}

export function planFor(followers: number, { ranges, bulkAbove }: PlanSettings): FanOutPlan {
  const bulk = followers > bulkAbove;
  // A range is an activity, which is worth it for as many followers as are a small fan-out.
  return { bulk, ranges: bulk ? Math.min(ranges, Math.ceil(followers / Math.max(bulkAbove, 1))) : 1 };
}

/** All buckets in so many ranges. */
export function rangesOf(count: number): Range[] {
  const start = (i: number) => Math.floor((i * BUCKETS) / count);
  return Array.from({ length: count }, (_, i) => ({ from: hex(start(i)), to: hex(start(i + 1) - 1) }));
}

const hex = (bucket: number): string => bucket.toString(16).padStart(2, '0');

/** Returns the 32-bit FNV-1a hash of a text with the high bits folded into the low ones, which choose the bucket. */
export function hashOf(text: string): number {
  const hash = fnv1a(text);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** A follower's sort key under an author. */
export function followerKey(followerId: string): string {
  return compositeKey(hex(hashOf(followerId) % BUCKETS), followerId);
}

export function followerIdOf(key: string): string {
  return key.slice(key.indexOf('#') + 1);
}
