/**
 * An exact sum of doubles as an expansion: doubles that do not overlap, in growing magnitude, whose mathematical sum is
 * the exact total. Rounded once at the end, it is the double closest to the true total, in whatever order the numbers
 * were added. No partial sum may overflow, which the limit of a metric's magnitude ensures. Source: Shewchuk, "Adaptive
 * Precision Floating-Point Arithmetic", 1997.
 */
export type Expansion = readonly number[];

/** Returns the expansion with one more number. */
export function addExactly(expansion: Expansion, value: number): Expansion {
  const partials: number[] = [];
  let x = value;
  for (const partial of expansion) {
    const [big, small] = Math.abs(x) < Math.abs(partial) ? [partial, x] : [x, partial];
    const high = big + small;
    const low = small - (high - big);
    if (low !== 0) partials.push(low);
    x = high;
  }
  if (x !== 0) partials.push(x);
  return partials;
}

/** Returns the double closest to the exact total, ties to even. */
export function rounded(expansion: Expansion): number {
  let i = expansion.length - 1;
  let high = expansion[i] ?? 0;
  let low = 0;
  while (i > 0) {
    const x = high;
    const y = expansion[--i] ?? 0;
    high = x + y;
    low = y - (high - x);
    if (low !== 0) break;
  }
  // `low` can be exactly half a unit of `high`. A next partial with the same sign makes it more than half: round up.
  const next = i > 0 ? (expansion[i - 1] ?? 0) : 0;
  if ((low < 0 && next < 0) || (low > 0 && next > 0)) {
    const doubled = low * 2;
    const up = high + doubled;
    if (doubled === up - high) return up;
  }
  return high;
}
