import { featureNames, type Features } from './features';

/**
 * How values lie: edges between bins (a bin holds what is at most its edge), and each bin's share, the missing last.
 */
export interface Distribution {
  edges: readonly number[];
  shares: readonly number[];
}

/** How features and scores lay where a model was trained; written beside the model by `train`. */
export interface Baseline {
  /** Of the model. */
  version: string;
  rows: number;
  features: Readonly<Record<string, Distribution>>;
  score: Distribution;
}

/** Rows by bin, for each distribution of a baseline. */
export type BinCounts = Record<string, number[]>;

/** The score's name beside the features'. */
export const SCORE = 'score';

export type DriftStatus = 'stable' | 'shifting' | 'shifted';

export interface Drift {
  name: string;
  psi: number;
  status: DriftStatus;
}

/**
 * Population stability indices from which a distribution counts as shifting, and as shifted. The usual thresholds of
 * credit scoring: N. Siddiqi, "Credit Risk Scorecards" (2006), chapter on monitoring.
 */
const SHIFTING = 0.1;
const SHIFTED = 0.25;
/** An empty bin would make the index infinite. */
const LEAST_SHARE = 1e-4;

/** Where a value belongs: the bin's number, the last for a missing one. */
export function binOf({ edges }: Distribution, exact: number): number {
  if (Number.isNaN(exact)) return edges.length + 1;
  const value = Math.fround(exact); // As the training's matrices hold it, which the edges are from.
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (edges[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Adds a row to the counts. */
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

export function addCounts(into: BinCounts, more: BinCounts): void {
  for (const [name, bins] of Object.entries(more)) {
    const sum = (into[name] ??= bins.map(() => 0));
    for (const [i, rows] of bins.entries()) sum[i] = (sum[i] ?? 0) + rows;
  }
}

/** Population stability index: Σ (actual − expected) · ln(actual / expected) over the bins' shares. */
export function stabilityIndex(expected: readonly number[], rows: readonly number[]): number {
  const total = rows.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  return expected.reduce((sum, share, bin) => {
    const [e, a] = [Math.max(share, LEAST_SHARE), Math.max((rows[bin] ?? 0) / total, LEAST_SHARE)];
    return sum + (a - e) * Math.log(a / e);
  }, 0);
}

/** Every distribution of the baseline against what was counted, the most shifted first. */
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
