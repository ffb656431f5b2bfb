import { featureNames, type Features } from './features';

/**
 * The distribution of a value: the upper edges of the bins (inclusive), and the share of each bin. The last two shares
 * are of the values above all edges and of missing values.
 */
export interface Distribution {
  edges: readonly number[];
  shares: readonly number[];
}

/** The distributions of features and scores in a model's training data. `train` writes it next to the model. */
export interface Baseline {
  /** The version of the model. */
  version: string;
  rows: number;
  features: Readonly<Record<string, Distribution>>;
  score: Distribution;
}

/** Number of rows in each bin, for each distribution of a baseline. */
export type BinCounts = Record<string, number[]>;

/** The name of the score's distribution, next to the features' names. */
export const SCORE = 'score';

/** How far a distribution has moved from the baseline. */
export type DriftStatus = 'stable' | 'shifting' | 'shifted';

/** The drift of one feature or of the score. */
export interface Drift {
  name: string;
  /** Population stability index. */
  psi: number;
  status: DriftStatus;
}

/**
 * The population stability indices (PSI) from which a distribution is shifting, and shifted. These are the usual
 * thresholds of credit scoring: N. Siddiqi, "Credit Risk Scorecards" (2006), chapter on monitoring.
 */
const SHIFTING = 0.1;
const SHIFTED = 0.25;
/** A lower limit of a bin's share: an empty bin would make the index infinite. */
const MIN_SHARE = 1e-4;

/** Returns the number of a value's bin; the last bin is for missing values. */
export function binOf({ edges }: Distribution, exact: number): number {
  if (Number.isNaN(exact)) return edges.length + 1;
  const value = Math.fround(exact); // The edges were computed from float32 values.
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (edges[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Adds a row to the counts, in place. */
export function countRow(baseline: Baseline, counts: BinCounts, features: Features, score: number): void {
  for (const name of featureNames) countValue(counts, name, baseline.features[name], features[name]);
  countValue(counts, SCORE, baseline.score, score);
}

function countValue(counts: BinCounts, name: string, distribution: Distribution | undefined, value: number): void {
  if (!distribution) return;
  const bins = (counts[name] ??= distribution.shares.map(() => 0));
  const bin = binOf(distribution, value);
  bins[bin] = (bins[bin] ?? 0) + 1;
}

/** Adds counts to other counts, in place. */
export function addCounts(into: BinCounts, more: BinCounts): void {
  for (const [name, bins] of Object.entries(more)) {
    const sum = (into[name] ??= bins.map(() => 0));
    for (const [i, rows] of bins.entries()) sum[i] = (sum[i] ?? 0) + rows;
  }
}

/** Returns the population stability index: Σ (actual − expected) · ln(actual / expected) over the bins' shares. */
export function stabilityIndex(expected: readonly number[], rows: readonly number[]): number {
  const total = rows.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  return expected.reduce((sum, share, bin) => {
    const [e, a] = [Math.max(share, MIN_SHARE), Math.max((rows[bin] ?? 0) / total, MIN_SHARE)];
    return sum + (a - e) * Math.log(a / e);
  }, 0);
}

/** Compares every distribution of the baseline with the counts; the most shifted first. */
export function drifts(baseline: Baseline, counts: BinCounts): Drift[] {
  return Object.entries({ ...baseline.features, [SCORE]: baseline.score })
    .flatMap(([name, { shares }]) => {
      const rows = counts[name];
      if (!rows) return [];
      const psi = stabilityIndex(shares, rows);
      return [{ name, psi, status: psi >= SHIFTED ? 'shifted' : psi >= SHIFTING ? 'shifting' : 'stable' } as const];
    })
    .sort((a, b) => b.psi - a.psi);
}
