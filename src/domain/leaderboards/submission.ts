import { LongwatchError } from '../errors';
import type { Board, Limits, Submission } from './board';
import { MAX_SCORE } from './schemas';

/** A player's score in a season. */
export interface PlayerScore {
  score: number;
  subscore: number;
  /** When the score was reached, by the server's clock (epoch ms). */
  achievedAt: number;
}

/** What became of a submission. `unchanged`: not better, or the same as it was; `repeated`: its id was taken before. */
export type SubmissionStatus = 'applied' | 'unchanged' | 'repeated';

const refused = (field: string, message: string) =>
  new LongwatchError('invalid', `${field} ${message}`, { faults: [{ field, message }] });

/** @returns the scores that are allowed, in whole numbers that a double holds. */
export function allowed({ minScore = -MAX_SCORE, maxScore = MAX_SCORE }: Limits): { min: number; max: number } {
  return { min: minScore, max: maxScore };
}

/** By how much a submission changes the score, or undefined where it names the new one. */
export function changeOf({ operator }: Pick<Board, 'operator'>, value: number): number | undefined {
  if (operator === 'increment') return value;
  return operator === 'decrement' ? -value : undefined;
}

/** The scores that a player may have now so that the submission keeps to the limits; undefined: any. */
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
 * Why a submission can never count on this board, or undefined. What depends on the player's score is not looked at.
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

/** Why a submission breaks a limit, seen the player's score. Undefined: it breaks none. */
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

/** Whether a score is better than another on this board. */
export function isBetter(
  { order }: Pick<Board, 'order'>,
  a: Pick<PlayerScore, 'score' | 'subscore'>,
  b: Pick<PlayerScore, 'score' | 'subscore'>,
): boolean {
  const difference = a.score - b.score || a.subscore - b.subscore;
  return order === 'descending' ? difference > 0 : difference < 0;
}
