import { fnv1a } from '../fnv1a';
import { compositeKey } from '../ids';

/**
 * Number of buckets of an author's followers. The bucket is a hash of the follower's id and the first part of the sort
 * key, so that ranges of equally many buckets contain about equally many followers.
 */
const BUCKETS = 256;

/** A feed range: the first and the last bucket, both inclusive, as two hexadecimal digits. */
export interface Range {
  from: string;
  to: string;
}

/** The part of a range after a follower's key; the whole range if `after` is absent. */
export interface Slice {
  range: Range;
  after?: string;
}

/** How a workflow visits an author's followers. */
export interface FanOutPlan {
  /** Number of ranges that activities visit in parallel. */
  ranges: number;
  /** Whether it runs on the queue of large fan-outs, whose throughput is limited. */
  bulk: boolean;
  /** Slices after which a run continues as new; absent: when the Temporal server suggests it. */
  slicesARun?: number;
}

/** The settings of plans. */
export interface PlanSettings {
  /** Maximum number of ranges of a large fan-out. */
  ranges: number;
  /** A fan-out to more followers than this is large. */
  bulkAbove: number;
}

/** Returns the plan for a number of followers. */
export function planFor(followers: number, { ranges, bulkAbove }: PlanSettings): FanOutPlan {
  const bulk = followers > bulkAbove;
  // Each range is an activity. Its cost is justified for about `bulkAbove` followers.
  return { bulk, ranges: bulk ? Math.min(ranges, Math.ceil(followers / Math.max(bulkAbove, 1))) : 1 };
}

/** Divides all buckets into `count` ranges. */
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

/** Returns the sort key of a follower of an author. */
export function followerKey(followerId: string): string {
  return compositeKey(hex(hashOf(followerId) % BUCKETS), followerId);
}

/** Returns the follower's id of a key made by {@link followerKey}. */
export function followerIdOf(key: string): string {
  return key.slice(key.indexOf('#') + 1);
}
