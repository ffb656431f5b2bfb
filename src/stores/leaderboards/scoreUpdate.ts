import type { UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Board, Submission } from '../../domain/leaderboards/board';
import { allowedBefore, changeOf } from '../../domain/leaderboards/submission';

/**
 * Size of each of the two sets of submission ids. When the newer set is full, it replaces the older one. So the item
 * has the last 24 to 48 submissions that changed a player's score, in less than a kilobyte: one write unit.
 */
export const FULL = 24;

/**
 * The kind of write: `add` changes the score, `over` also replaces the older set of ids, `remember` only stores the id,
 * and `remember-over` stores the id and replaces the older set.
 */
export type ScoreWriteKind = 'add' | 'over' | 'remember' | 'remember-over';

/** The facts of a write, besides the submission. */
export interface UpdateFacts {
  /** The stored form of the submission's id. */
  id: string;
  now: number;
  turn: ScoreWriteKind;
}

type Expression = Required<
  Pick<UpdateCommandInput, 'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeValues'>
>;

/** Returns the update expression of a submission and its conditions. */
export function scoreUpdate(board: Board, submission: Submission, { id, now, turn }: UpdateFacts): Expression {
  const values: Record<string, unknown> = { ':id': id, ':full': FULL };
  const isOver = turn.endsWith('over');
  const set: string[] = [];
  const conditions = [
    'attribute_not_exists(Banned)',
    // Race: the same submission arrives twice at the same time. Only one of them counts.
    'NOT contains(Recent, :id) AND NOT contains(Older, :id)',
    isOver ? 'size(Recent) >= :full' : '(attribute_not_exists(Recent) OR size(Recent) < :full)',
  ];
  values[':ids'] = new Set([id]);
  if (isOver) set.push('Older = Recent', 'Recent = :ids');
  if (turn.startsWith('remember')) {
    Object.assign(values, { ':score': submission.score, ':subscore': submission.subscore });
    // Race: another submission changes the score. Then this one must not count as unchanged.
    conditions.push('Score = :score AND Subscore = :subscore');
  } else {
    set.push(...scoreTerms(board, submission, values, now));
    conditions.push(...scoreConditions(board, submission, values));
  }
  const terms = [...(set.length > 0 ? [`SET ${set.join(', ')}`] : []), ...(isOver ? [] : ['ADD Recent :ids'])];
  return {
    UpdateExpression: terms.join(' '),
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeValues: values,
  };
}

function scoreTerms(
  board: Board,
  { score, subscore, name, country }: Submission,
  values: Record<string, unknown>,
  now: number,
): string[] {
  Object.assign(values, { ':score': score, ':subscore': subscore, ':now': now });
  const isDelta = changeOf(board, score) !== undefined;
  if (isDelta) values[':zero'] = 0;
  const sign = board.operator === 'decrement' ? '-' : '+';
  const term = (attribute: string, value: string) =>
    isDelta ? `${attribute} = if_not_exists(${attribute}, :zero) ${sign} ${value}` : `${attribute} = ${value}`;
  // Adding 0 does not change the time when the score was achieved.
  const isStill = isDelta && score === 0 && subscore === 0;
  const terms = [
    term('Score', ':score'),
    term('Subscore', ':subscore'),
    isStill ? 'AchievedAt = if_not_exists(AchievedAt, :now)' : 'AchievedAt = :now',
    'ChangedAt = :now',
  ];
  if (name !== undefined) {
    values[':name'] = name;
    terms.push('PlayerName = :name');
  }
  if (country !== undefined) {
    values[':country'] = country;
    terms.push('Country = :country');
  }
  return terms;
}

/**
 * Returns the conditions on the stored score. Race: another submission could change the score between a read and this
 * write, so the write does not depend on a read.
 */
function scoreConditions(board: Board, submission: Submission, values: Record<string, unknown>): string[] {
  const conditions: string[] = [];
  const range = allowedBefore(board, submission);
  if (range) {
    Object.assign(values, { ':min': range.min, ':max': range.max });
    // A player without a score counts as 0 if the operator adds, and has no restriction otherwise.
    const isFree = changeOf(board, submission.score) === undefined || (range.min <= 0 && 0 <= range.max);
    conditions.push(
      isFree ? '(attribute_not_exists(Score) OR Score BETWEEN :min AND :max)' : 'Score BETWEEN :min AND :max',
    );
  }
  if (board.operator === 'set')
    conditions.push('(attribute_not_exists(Score) OR Score <> :score OR Subscore <> :subscore)');
  if (board.operator === 'best') {
    const better = board.order === 'descending' ? '<' : '>';
    conditions.push(
      `(attribute_not_exists(Score) OR Score ${better} :score OR (Score = :score AND Subscore ${better} :subscore))`,
    );
  }
  return conditions;
}
