import fc from 'fast-check';
import { averagePrecision, cardPrecision, precisionRecall, rocAuc } from '../../../src/domain/fraud/modelEvaluation';

/** With ties, also between kinds. */
const known = { scores: [0.9, 0.8, 0.8, 0.7, 0.4, 0.4, 0.4, 0.2, 0.1, 0.1], labels: [1, 0, 1, 0, 1, 0, 0, 0, 1, 0] };

it('agrees with scikit-learn, ties included', () => {
  expect(rocAuc(known)).toBeCloseTo(0.625, 12);
  expect(averagePrecision(known)).toBeCloseTo(0.6238095238095238, 12);
});

const scored = fc
  .array(fc.record({ score: fc.integer({ min: 0, max: 20 }), label: fc.integer({ min: 0, max: 1 }) }), {
    minLength: 2,
    maxLength: 60,
  })
  .filter((rows) => new Set(rows.map(({ label }) => label)).size === 2)
  .map((rows) => ({ scores: rows.map(({ score }) => score / 20), labels: rows.map(({ label }) => label) }));

it('ROC AUC is the chance that a fraud scores higher than a genuine one', () => {
  fc.assert(
    fc.property(scored, ({ scores, labels }) => {
      const pairs = scores.flatMap((fraud, i) =>
        labels[i]
          ? scores.flatMap((genuine, j) => (labels[j] ? [] : [fraud > genuine ? 1 : fraud === genuine ? 0.5 : 0]))
          : [],
      );
      expect(rocAuc({ scores, labels })).toBeCloseTo(
        pairs.reduce<number>((sum, one) => sum + one, 0) / pairs.length,
        10,
      );
    }),
  );
});

it('neither figure changes with the order of rows, nor with a transformation of the scores that keeps theirs', () => {
  fc.assert(
    fc.property(scored, ({ scores, labels }) => {
      const bent = { scores: scores.map((score) => score ** 3 - 5).toReversed(), labels: labels.toReversed() };
      expect(rocAuc(bent)).toBeCloseTo(rocAuc({ scores, labels }), 10);
      expect(averagePrecision(bent)).toBeCloseTo(averagePrecision({ scores, labels }), 10);
    }),
  );
});

it('average precision is the area under the steps of the precision-recall curve', () => {
  fc.assert(
    fc.property(scored, (rows) => {
      const curve = precisionRecall(rows, 1e9);
      const area = curve.reduce(
        (sum, { precision, recall }, i) => sum + precision * (recall - (curve[i - 1]?.recall ?? 0)),
        0,
      );
      expect(area).toBeCloseTo(averagePrecision(rows), 10);
      expect(curve.at(-1)!.recall).toBeCloseTo(1, 12);
    }),
  );
});

it('card precision looks at a customer once: who was found is not found again, and makes room', () => {
  // Day 1: the two highest are customer 1 (defrauded) and 2. Day 2: 1 is known, so 2 and 3 are looked at.
  const rows: [day: number, user: number, score: number, label: number][] = [
    [1, 1, 0.9, 1],
    [1, 1, 0.1, 0],
    [1, 2, 0.8, 0],
    [1, 3, 0.7, 1],
    [2, 1, 0.9, 1],
    [2, 2, 0.5, 1],
    [2, 3, 0.4, 1],
  ];
  const column = (at: number) => rows.map((row) => row[at]!);
  const daily = { days: column(0), users: column(1), scores: column(2), labels: column(3) };
  expect(cardPrecision(daily, 2)).toBe((1 / 2 + 2 / 2) / 2);
  // Fewer customers than places: the places count.
  expect(cardPrecision(daily, 10)).toBe((2 / 10 + 1 / 10) / 2);
});
