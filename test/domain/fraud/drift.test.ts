import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import {
  addCounts,
  type Baseline,
  type BinCounts,
  binOf,
  countRow,
  drifts,
  SCORE,
  stabilityIndex,
} from '../../../src/domain/fraud/drift';
import { driftNotice, driftPage } from '../../../src/domain/fraud/driftNotice';
import { featureNames, type Features } from '../../../src/domain/fraud/features';
import { Replay } from '../../../src/domain/fraud/replay';
import { simulate } from '../../../src/domain/fraud/simulation';

const baseline = JSON.parse(
  readFileSync(join(__dirname, '..', '..', '..', 'model', 'fraud.baseline.json'), 'utf8'),
) as Baseline;
const card = JSON.parse(readFileSync(join(__dirname, '..', '..', '..', 'model', 'fraud.card.json'), 'utf8')) as {
  version: string;
  features: string[];
};

it('the shipped model’s baseline is of that model and knows every feature', () => {
  expect(baseline.version).toBe(card.version);
  expect(Object.keys(baseline.features)).toEqual(featureNames);
  for (const { edges, shares } of [...Object.values(baseline.features), baseline.score]) {
    expect(shares).toHaveLength(edges.length + 2);
    expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 3);
  }
});

it('a bin holds what is at most its edge, and the last one what is missing', () => {
  const of = { edges: [0, 1.5], shares: [0, 0, 0, 0] };
  expect([-1, 0, 0.1, 1.5, 1.6, Number.POSITIVE_INFINITY, Number.NaN].map((value) => binOf(of, value))).toEqual([
    0, 0, 1, 1, 2, 2, 3,
  ]);
  // 8.12 is a little more than its nearest 32-bit number, by which matrices know it.
  expect(binOf({ edges: [Math.fround(8.12)], shares: [] }, 8.12)).toBe(0);
});

it('the index is 0 for the same shares, grows with the distance and never falls below 0', () => {
  // Worked by hand: (0.6 − 0.5) ln(0.6 / 0.5) + (0.4 − 0.5) ln(0.4 / 0.5).
  expect(stabilityIndex([0.5, 0.5], [60, 40])).toBeCloseTo(0.1 * Math.log(1.2) - 0.1 * Math.log(0.8), 12);
  const rows = fc.array(fc.nat(1_000), { minLength: 3, maxLength: 12 }).filter((all) => all.some((count) => count > 0));
  fc.assert(
    fc.property(rows, rows, (a, b) => {
      const shares = a.map((count) => count / a.reduce((x, y) => x + y, 0));
      expect(stabilityIndex(shares, a)).toBeCloseTo(0, 2);
      expect(stabilityIndex(shares, b)).toBeGreaterThanOrEqual(-1e-9);
    }),
  );
  expect(stabilityIndex([0.5, 0.5], [])).toBe(0);
});

/** Features of simulated payments, as they come to be decided. */
function counted(seed: number, change: (features: Features) => Features = (features) => features): BinCounts {
  const counts: BinCounts = {};
  const replay = new Replay();
  let serial = 0;
  for (const { transaction, fraud } of simulate({
    seed,
    customers: 400,
    merchants: 60,
    days: 60,
    start: Date.UTC(2026, 0, 1),
  })) {
    const features = replay.take(transaction, fraud)();
    if (++serial > 10_000) countRow(baseline, counts, change(features), 0.001);
  }
  return counts;
}

it('payments of the population that the model was trained on hardly move; others are told apart, and how', () => {
  const usual = drifts(baseline, counted(9));
  expect(usual.find(({ name }) => name === 'amount')!.psi).toBeLessThan(0.1);
  expect(usual.find(({ name }) => name === 'night')!.status).toBe('stable');
  const [worst, ...rest] = drifts(
    baseline,
    counted(9, (features) => ({ ...features, amount: features.amount * 10 })),
  ).filter(({ name }) => name !== SCORE && !name.startsWith('merchant'));
  expect(worst).toMatchObject({ name: 'amount', status: 'shifted' });
  expect(rest.every(({ psi }) => psi < worst!.psi)).toBe(true);
});

it('counts add up in any order', () => {
  const [a, b]: BinCounts[] = [{ x: [1, 2] }, { x: [3, 4], y: [5] }];
  const [one, other]: BinCounts[] = [{}, {}];
  for (const counts of [a!, b!]) addCounts(one!, counts);
  for (const counts of [b!, a!]) addCounts(other!, counts);
  expect(one).toEqual({ x: [4, 6], y: [5] });
  expect(other).toEqual(one);
});

it('the supervisors are told of what has shifted, once a day, and of nothing else', () => {
  const model = { modelVersion: 'm', from: '2026-01-01', to: '2026-01-07', rows: 5_000 };
  const stable = [{ name: 'amount', psi: 0.02, status: 'stable' as const }];
  expect(driftNotice([{ ...model, drifts: stable }], 1)).toBeUndefined();
  const notice = driftNotice([{ ...model, drifts: [{ name: 'night', psi: 0.4, status: 'shifted' }, ...stable] }], 1)!;
  expect(notice).toMatchObject({
    id: 'drift.m.2026-01-07',
    recipient: 'team/supervisors',
    text: expect.stringContaining('night: 0.40'),
  });
  expect(notice.text).not.toContain('amount');
  expect(driftPage([{ ...model, drifts: [] }])).toContain('Too few');
  expect(driftPage([])).toContain('No decisions');
});
