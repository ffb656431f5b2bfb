/**
 * Exact sums of doubles. A sum is kept as an expansion: doubles that do not overlap, in growing magnitude, whose
 * mathematical sum is the exact total (Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997). Rounded once,
 * at the end, it is the double closest to the true total, whatever order the numbers came in. Holds while no partial
 * sum overflows, which the bound on a metric's magnitude sees to.
 */
export type Expansion = readonly number[];

/** The expansion with one more number in it. */
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

/** The double closest to the exact total, ties to even. */
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
  // What lies below a tie decides it: with the next partial on the same side, half a unit is more than half.
  const next = i > 0 ? (expansion[i - 1] ?? 0) : 0;
  if ((low < 0 && next < 0) || (low > 0 && next > 0)) {
    const doubled = low * 2;
    const up = high + doubled;
    if (doubled === up - high) return up;
  }
  return high;
}
