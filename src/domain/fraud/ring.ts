/** A bucket of time: its index, and count, sum and sum of squares of its values. */
export type Bucket = readonly [index: number, count: number, sum: number, squares: number];

/** Count, sum and sum of squares of several buckets. */
export interface Totals {
  count: number;
  sum: number;
  squares: number;
}

/** Rounds an amount in reference units to two decimals, the precision of the stored values. */
export const cents = (value: number): number => Math.round(value * 100) / 100;

/**
 * Adds a value to its bucket and drops buckets that are `length` or more older than the newest. A value older than the
 * ring is ignored, because its bucket was dropped. Buckets stay in ascending order.
 */
export function addToRing(ring: readonly Bucket[], length: number, index: number, value: number): readonly Bucket[] {
  const last = ring.at(-1);
  const newest = last?.[0] ?? index;
  if (index <= newest - length) return ring;
  if (index >= newest) return appendToRing(ring, last, length, index, value);
  const next: Bucket[] = [];
  const oldest = Math.max(newest, index) - length + 1;
  let placed = false;
  for (const bucket of ring) {
    if (bucket[0] < oldest) continue;
    if (!placed && bucket[0] === index) {
      next.push([index, bucket[1] + 1, cents(bucket[2] + value), cents(bucket[3] + value * value)]);
      placed = true;
      continue;
    }
    if (!placed && bucket[0] > index) {
      next.push([index, 1, cents(value), cents(value * value)]);
      placed = true;
    }
    next.push(bucket);
  }
  if (!placed) next.push([index, 1, cents(value), cents(value * value)]);
  return next;
}

/** Adds a value to the newest bucket or a newer one. Nearly all values arrive in order, and this needs no search. */
function appendToRing(
  ring: readonly Bucket[],
  last: Bucket | undefined,
  length: number,
  index: number,
  value: number,
): readonly Bucket[] {
  let kept = 0;
  while (kept < ring.length && (ring[kept] as Bucket)[0] <= index - length) kept++;
  const next = ring.slice(kept);
  if (last?.[0] === index)
    next[next.length - 1] = [index, last[1] + 1, cents(last[2] + value), cents(last[3] + value * value)];
  else next.push([index, 1, cents(value), cents(value * value)]);
  return next;
}

/** Returns the totals over the `length` buckets that end with `index`, without later buckets (late arrivals). */
export function ringTotals(ring: readonly Bucket[], length: number, index: number): Totals {
  const totals: Totals = { count: 0, sum: 0, squares: 0 };
  for (let i = ring.length - 1; i >= 0; i--) {
    const bucket = ring[i];
    if (!bucket || bucket[0] > index) continue;
    if (bucket[0] <= index - length) break;
    totals.count += bucket[1];
    totals.sum += bucket[2];
    totals.squares += bucket[3];
  }
  return totals;
}
