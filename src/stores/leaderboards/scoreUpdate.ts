import type { UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import type { Board, Submission } from '../../domain/leaderboards/board';
import { allowedBefore, changeOf } from '../../domain/leaderboards/submission';

/**
 * Ids are remembered in two sets: when the newer is full it becomes the older, and the older is forgotten. So a
 * player's last 24 to 48 submissions that counted are known, in an item of less than a kilobyte: one write unit.
 */
export const FULL = 24;

/** `add`: as always. `over`: the sets turn over with this write. `remember`: the score stays, only the id is taken. */
export type Turn = 'add' | 'over' | 'remember' | 'remember-over';

export interface UpdateFacts {
  /** What is remembered of the submission's id. */
  id: string;
  now: number;
  turn: Turn;
}

type Expression = Required<
  Pick<UpdateCommandInput, 'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeValues'>
>;

/** The one write of a submission: what it changes, and the conditions under which it may. */
export function scoreUpdate(board: Board, submission: Submission, { id, now, turn }: UpdateFacts): Expression {
  const values: Record<string, unknown> = { ':id': id, ':full': FULL };
  const isOver = turn.endsWith('over');
  const set: string[] = [];
  const conditions = [
    'attribute_not_exists(Banned)',
    // The race: the same submission sent twice at once. One of them counts.
    'NOT contains(Recent, :id) AND NOT contains(Older, :id)',
    isOver ? 'size(Recent) >= :full' : '(attribute_not_exists(Recent) OR size(Recent) < :full)',
  ];
  values[':ids'] = new Set([id]);
  if (isOver) set.push('Older = Recent', 'Recent = :ids');
  if (turn.startsWith('remember')) {
    Object.assign(values, { ':score': submission.score, ':subscore': submission.subscore });
    // The race: the score is changed by another submission; then this one would change it back.
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
  // Adding nothing reaches no new score.
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

/** The races: another submission changes the score between anybody's look and this write; so nobody looks first. */
function scoreConditions(board: Board, submission: Submission, values: Record<string, unknown>): string[] {
  const conditions: string[] = [];
  const range = allowedBefore(board, submission);
  if (range) {
    Object.assign(values, { ':min': range.min, ':max': range.max });
    // A player without a score has 0 where scores add up, and any where they are named.
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
