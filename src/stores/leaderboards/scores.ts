import { createHash } from 'node:crypto';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { ConditionalCheckFailedException, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand, UpdateCommand, type UpdateCommandInput } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../../domain/errors';
import type { Board, Submission } from '../../domain/leaderboards/board';
import { boardSeason, CHECK_MARK, END_MARK, type RankShard, shardOf } from '../../domain/leaderboards/rankShards';
import type { RankEntry } from '../../domain/leaderboards/ranking';
import { isBetter, limitBroken, type SubmissionStatus } from '../../domain/leaderboards/submission';
import { again, againAtOnce, retry } from '../../timing/retry';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { flag, type Item, itemType, number, optional, orElse, set, text } from '../items';
import { queryAll, readEach } from '../query';
import { transact } from '../transact';
import { leaderboardTables } from './tables';
import { FULL, scoreUpdate, type ScoreWriteKind } from './scoreUpdate';

/** The result of a submission. */
export interface Submitted {
  status: SubmissionStatus;
  /** The player's current score. */
  score: number;
  subscore: number;
}

const ATTEMPTS = 10;

const NO_IDS: ReadonlySet<string> = new Set();
const scoreItems = itemType(leaderboardTables, 'Leaderboard', {
  score: optional(number('Score')),
  subscore: orElse(number('Subscore'), 0),
  isBanned: orElse(flag('Banned'), false),
  recent: orElse(set('Recent'), NO_IDS),
  older: orElse(set('Older'), NO_IDS),
});
const rankItems = itemType(leaderboardTables, 'Leaderboard', {
  playerId: text('PlayerID'),
  score: number('Score'),
  subscore: orElse(number('Subscore'), 0),
  achievedAt: number('AchievedAt'),
  name: optional(text('PlayerName')),
  country: optional(text('Country')),
});

/** The scores of players, one item per player and season. */
export class ScoreStore {
  constructor(private readonly db: Db) {}

  /**
   * Submits a score with one conditional UpdateItem, and a second one when the newer set of submission ids is full.
   * @param fence returns the check of an end marker, in the last minutes of a season.
   * @throws LongwatchError `invalid` (a limit), `conflict` (banned, or the season has closed), `contention` (busy; try
   *   again).
   */
  async submit(
    board: Board,
    season: number,
    submission: Submission,
    now: number,
    fence?: () => TransactItem,
  ): Promise<Submitted> {
    const id = idOf(submission.submissionId);
    let turn: ScoreWriteKind = 'add';
    const exhausted = () =>
      new LongwatchError('contention', `Player ${submission.playerId} is busy; send it again`, {
        retryAfterSeconds: 1,
      });
    return retry({ attempts: ATTEMPTS, exhausted }, async () => {
      const update = {
        TableName: this.table,
        Key: this.keyOf(board, season, submission.playerId),
        ...scoreUpdate(board, submission, { id, now, turn }),
      };
      const written = fence ? await this.fenced(update, fence()) : await this.plain(update);
      if (written === 'busy') return again;
      if (written.after)
        return turn.startsWith('remember')
          ? { status: 'unchanged', score: submission.score, subscore: submission.subscore }
          : { status: 'applied', ...scoreOf(written.after) };
      const next = nextTurn(board, submission, written.before, id);
      if ('status' in next) return next;
      turn = next.turn;
      return againAtOnce;
    });
  }

  /** Returns the item of a transaction that removes a player from a season's ranks, or returns the player to them. */
  mark(board: Board, season: number, playerId: string, isBanned: boolean, now: number): TransactItem {
    return {
      Update: {
        TableName: this.table,
        Key: this.keyOf(board, season, playerId),
        UpdateExpression: isBanned ? 'SET Banned = :banned, ChangedAt = :now' : 'SET ChangedAt = :now REMOVE Banned',
        ExpressionAttributeValues: { ':now': now, ...(isBanned && { ':banned': true }) },
      },
    };
  }

  /**
   * Writes the end marker of a closed season to the stream, after its last score. A stream reader that has passed it
   * has read all scores.
   */
  async markEnd(shard: RankShard): Promise<void> {
    await this.db.client.send(
      new PutCommand({ TableName: this.table, Item: { BoardSeason: boardSeason(shard), PlayerID: END_MARK } }),
    );
  }

  /**
   * Writes a check marker to the stream, after all earlier scores. The head of the ranks has it after the stream reader
   * has passed it.
   */
  async markCheck(shard: RankShard, mark: string): Promise<void> {
    await this.db.client.send(
      new PutCommand({
        TableName: this.table,
        Item: { BoardSeason: boardSeason(shard), PlayerID: CHECK_MARK, Mark: mark },
      }),
    );
  }

  /** Returns the rank entries of all players who must be ranked, page by page, from the table. Strongly consistent. */
  async *ranked(shard: RankShard): AsyncGenerator<RankEntry[]> {
    const query = {
      table: 'Leaderboard',
      where: 'BoardSeason = :shard',
      values: { ':shard': boardSeason(shard) },
      projection: 'PlayerID, Score, Subscore, AchievedAt, PlayerName, Country, Banned',
      consistent: true,
    };
    for await (const items of queryAll(this.db, query))
      yield readEach(this.db, items, rankEntry).filter((entry) => entry !== undefined);
  }

  private async plain(update: UpdateCommandInput): Promise<Written> {
    try {
      const { Attributes } = await this.db.client.send(
        new UpdateCommand({ ...update, ReturnValues: 'UPDATED_NEW', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
      );
      return { after: Attributes ?? {} };
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return { before: error.Item && unmarshall(error.Item) };
      if (error instanceof TransactionConflictException) return 'busy';
      throw error;
    }
  }

  private async fenced({ TableName, Key, ...update }: UpdateCommandInput, fence: TransactItem): Promise<Written> {
    const { UpdateExpression } = update;
    const cancelled = await transact(this.db, {
      fence,
      score: {
        Update: { TableName, Key, UpdateExpression, ...update, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' },
      },
    });
    if (cancelled) {
      const { lost, cause } = cancelled;
      if (lost.has('fence')) throw new LongwatchError('conflict', 'The season is closed', { cause });
      const [score] = lost.get('score') ?? [];
      return score ? { before: score.stored } : 'busy';
    }
    // A transaction does not return the items that it wrote.
    const { Item } = await this.db.client.send(new GetCommand({ TableName, Key, ConsistentRead: true }));
    return { after: Item ?? {} };
  }

  private keyOf(
    { gameId, order, shards }: Board,
    season: number,
    playerId: string,
  ): { BoardSeason: string; PlayerID: string } {
    return {
      BoardSeason: boardSeason({ gameId, season, shard: shardOf(playerId, shards), order }),
      PlayerID: playerId,
    };
  }

  private get table(): string {
    return this.db.table('Leaderboard');
  }
}

type Written = { after: Item; before?: undefined } | { before: Item | undefined; after?: undefined } | 'busy';

/** Returns a hash of a submission's id, long enough that two of the few dozen ids of one player do not collide. */
function idOf(submissionId: string): string {
  return createHash('sha256').update(submissionId).digest('base64url').slice(0, 11);
}

function scoreOf(item: Item): Pick<Submitted, 'score' | 'subscore'> {
  const { score = 0, subscore } = scoreItems.read(item);
  return { score, subscore };
}

/**
 * Returns the result of a write whose condition failed, or the kind of write to try next.
 * @throws LongwatchError `conflict`, `invalid`.
 */
function nextTurn(
  board: Board,
  submission: Submission,
  before: Item = {},
  id: string,
): Submitted | { turn: ScoreWriteKind } {
  const { recent, older, score, subscore, isBanned } = scoreItems.read(before);
  const known = score === undefined ? undefined : { score, subscore };
  if (isBanned) throw new LongwatchError('conflict', `Player ${submission.playerId} is banned from this board`);
  if (recent.has(id) || older.has(id)) return { status: 'repeated', score: score ?? 0, subscore };
  if (known && board.operator === 'best' && !isBetter(board, submission, known))
    return { status: 'unchanged', ...known };
  const broken = limitBroken(board, submission, known?.score);
  if (broken) throw broken;
  const isFull = recent.size >= FULL;
  // The score is the same. That is no change, but the id must be stored, or a repeated request after another change
  // would undo that change.
  if (known && board.operator === 'set' && known.score === submission.score && known.subscore === submission.subscore)
    return { turn: isFull ? 'remember-over' : 'remember' };
  // The newer set of ids is full; or the reason of the failed condition no longer exists.
  return { turn: isFull ? 'over' : 'add' };
}

/** Returns the rank entry of an item; undefined if the player is not ranked. */
export function rankEntry(item: Item | undefined): RankEntry | undefined {
  if (item?.['Score'] === undefined || item['Banned'] === true) return undefined;
  const { score, subscore, achievedAt, playerId, name = null, country = null } = rankItems.read(item);
  const key = [score, subscore, achievedAt, playerId] as const;
  return name === null && country === null ? key : [...key, name, country];
}
