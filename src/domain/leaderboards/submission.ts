import { LongwatchError } from '../errors';
import type { Board, Limits, Submission } from './board';
import { MAX_SCORE } from './schemas';

/** A player's score in a season. */
export interface PlayerScore {
  score: number;
  subscore: number;
  /** Epoch ms by the server's clock at which the score was reached. */
  achievedAt: number;
}

/**
 * The result of a submission. `unchanged`: the score is not better, or the same. `repeated`: the submission id was
 * already used, so the submission did not count again.
 */
export type SubmissionStatus = 'applied' | 'unchanged' | 'repeated';

const refused = (field: string, message: string) =>
  new LongwatchError('invalid', `${field} ${message}`, { faults: [{ field, message }] });

/** Returns the range of allowed scores; by default all integers that a double represents exactly. */
export function allowed({ minScore = -MAX_SCORE, maxScore = MAX_SCORE }: Limits): { min: number; max: number } {
  return { min: minScore, max: maxScore };
}

/** Returns the signed change of the score; undefined for operators whose submission is the new score. */
export function changeOf({ operator }: Pick<Board, 'operator'>, value: number): number | undefined {
  if (operator === 'increment') return value;
  return operator === 'decrement' ? -value : undefined;
}

/** Returns the range in which the current score must be for the submission to respect the limits; undefined: any. */
export function allowedBefore(
  board: Pick<Board, 'operator' | 'limits'>,
  { score }: Pick<Submission, 'score'>,
): { min: number; max: number } | undefined {
  const { min, max } = allowed(board.limits);
  const change = changeOf(board, score);
  if (change !== undefined) return { min: Math.max(-MAX_SCORE, min - change), max: Math.min(MAX_SCORE, max - change) };
  const { maxChange } = board.limits;
  if (maxChange === undefined) return undefined;
  return { min: Math.max(-MAX_SCORE, score - maxChange), max: Math.min(MAX_SCORE, score + maxChange) };
}

/**
 * Returns why the board never accepts a submission, or undefined. It does not check limits that depend on the player's
 * score.
 */
export function refusalOf(
  board: Pick<Board, 'operator' | 'limits' | 'subscore'>,
  { score, subscore }: Pick<Submission, 'score' | 'subscore'>,
): LongwatchError | undefined {
  const { min, max } = allowed(board.limits);
  const { maxChange } = board.limits;
  const change = changeOf(board, score);
  if (!board.subscore && subscore !== 0) return refused('subscore', 'must be left out: this board has none');
  if (change === undefined && score > max)
    return refused('score', `must be at most ${max}, this board’s maximum score`);
  if (change === undefined && score < min)
    return refused('score', `must be at least ${min}, this board’s minimum score`);
  if (change !== undefined && score < 0)
    return refused('score', `must not be negative: it says by how much to ${board.operator}`);
  if (change !== undefined && subscore < 0)
    return refused('subscore', `must not be negative: it says by how much to ${board.operator}`);
  if (change !== undefined && maxChange !== undefined && score > maxChange)
    return refused('score', `must be at most ${maxChange}, this board’s maximum change`);
  return undefined;
}

/** Returns the limit that a submission breaks, given the player's score (undefined: none yet), or undefined. */
export function limitBroken(
  board: Pick<Board, 'operator' | 'limits'>,
  submission: Pick<Submission, 'score'>,
  before: number | undefined,
): LongwatchError | undefined {
  const { score } = submission;
  const change = changeOf(board, score);
  const { min, max } = allowed(board.limits);
  if (change === undefined) {
    const range = before === undefined ? undefined : allowedBefore(board, submission);
    if (before === undefined || !range || (before >= range.min && before <= range.max)) return undefined;
    return refused(
      'score',
      `must be within ${board.limits.maxChange} of the player’s score, ${before}: this board’s maximum change`,
    );
  }
  const after = (before ?? 0) + change;
  if (after > max)
    return refused('score', `would make the player’s score ${after}; this board’s maximum score is ${max}`);
  if (after < min)
    return refused('score', `would make the player’s score ${after}; this board’s minimum score is ${min}`);
  return undefined;
}

/** Returns whether score `a` is better than `b` on this board. */
export function isBetter(
  { order }: Pick<Board, 'order'>,
  a: Pick<PlayerScore, 'score' | 'subscore'>,
  b: Pick<PlayerScore, 'score' | 'subscore'>,
): boolean {
  const difference = a.score - b.score || a.subscore - b.subscore;
  return order === 'descending' ? difference > 0 : difference < 0;
}
