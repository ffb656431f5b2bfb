import * as fc from 'fast-check';
import type { Operator } from '../../../src/domain/leaderboards/board';
import { operators } from '../../../src/domain/leaderboards/board';
import { orders } from '../../../src/domain/leaderboards/ranking';
import { MAX_SCORE } from '../../../src/domain/leaderboards/schemas';
import { allowedBefore, isBetter, limitBroken, refusalOf } from '../../../src/domain/leaderboards/submission';

/** Small numbers meet each other's bounds often, large ones those of a double. */
const arbitraryScore = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.integer({ min: -MAX_SCORE, max: MAX_SCORE }),
  fc.constantFrom(-MAX_SCORE, MAX_SCORE),
);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const arbitraryBoard = fc
  .record({
    operator: fc.constantFrom(...operators),
    subscore: fc.boolean(),
    minScore: optional(arbitraryScore),
    maxScore: optional(arbitraryScore),
    maxChange: optional(fc.nat(15)),
  })
  .map(({ operator, subscore, minScore, maxScore, maxChange }) => ({
    operator,
    subscore,
    limits: {
      ...(minScore !== undefined && { minScore }),
      ...(maxScore !== undefined && { maxScore }),
      ...(maxChange !== undefined && { maxChange }),
    },
  }));

/** The score that a submission leads to. */
const after = (operator: Operator, score: number, before: number): number =>
  operator === 'increment' ? before + score : operator === 'decrement' ? before - score : score;
const isChange = (operator: Operator): boolean => operator === 'increment' || operator === 'decrement';

it('a submission counts exactly where neither the new score nor the step to it breaks a limit', () => {
  fc.assert(
    fc.property(arbitraryBoard, arbitraryScore, optional(arbitraryScore), (board, score, before) => {
      const { operator, limits } = board;
      const { minScore = -MAX_SCORE, maxScore = MAX_SCORE, maxChange } = limits;
      const reached = after(operator, score, before ?? 0);
      const isWithin = reached >= minScore && reached <= maxScore;
      const step = isChange(operator) ? score : before === undefined ? 0 : Math.abs(score - before);
      const isStep = maxChange === undefined || step <= maxChange;
      const isSense = !isChange(operator) || score >= 0;
      const refused = refusalOf(board, { score, subscore: 0 }) ?? limitBroken(board, { score }, before);
      expect(refused === undefined).toBe(isWithin && isStep && isSense);
      if (refused) expect([refused.type, refused.detail.faults?.[0]?.field]).toEqual(['invalid', 'score']);
    }),
    { numRuns: 2_000 },
  );
});

it('the range that DynamoDB compares with is the one in which no limit is broken', () => {
  fc.assert(
    fc.property(arbitraryBoard, arbitraryScore, arbitraryScore, (board, score, before) => {
      if (refusalOf(board, { score, subscore: 0 })) return;
      const range = allowedBefore(board, { score });
      const isAllowed = range === undefined || (before >= range.min && before <= range.max);
      expect(isAllowed).toBe(limitBroken(board, { score }, before) === undefined);
      for (const bound of range ? [range.min, range.max] : [])
        expect(Number.isSafeInteger(bound) || Math.abs(bound) <= 2 * MAX_SCORE).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

it('a second score is for boards that have one, and says by how much where the first does', () => {
  const fields = (board: Parameters<typeof refusalOf>[0], subscore: number) =>
    refusalOf(board, { score: 0, subscore })?.detail.faults?.[0]?.field;
  expect(fields({ operator: 'best', limits: {}, subscore: false }, 1)).toBe('subscore');
  expect(fields({ operator: 'best', limits: {}, subscore: true }, -1)).toBeUndefined();
  expect(fields({ operator: 'increment', limits: {}, subscore: true }, -1)).toBe('subscore');
});

it.each(orders)('%s: better is as a sort by score, then by the second score, has it', (order) => {
  const arbitrary = fc.record({ score: fc.integer({ min: -3, max: 3 }), subscore: fc.integer({ min: -2, max: 2 }) });
  const rank = ({ score, subscore }: { score: number; subscore: number }) =>
    (score * 10 + subscore) * (order === 'descending' ? -1 : 1);
  fc.assert(
    fc.property(arbitrary, arbitrary, (a, b) => {
      expect(isBetter({ order }, a, b)).toBe(rank(a) < rank(b));
    }),
  );
});
