import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import type { AuthorState, Direction, Mode } from '../../domain/feeds/author';
import { batchGet } from '../batchGet';
import { held } from '../conflicts';
import type { Page } from '../cursor';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { scanPage } from '../scanPage';

export interface FeedUser extends AuthorState {
  userId: string;
  name: string;
  /** Changes of who follows the user: while it stands, nobody has begun or ceased to. */
  followerChanges: number;
  following: number;
  posts: number;
  /** Changes of whom the user follows; a follow carries the one that began it. */
  epoch: number;
  feed: FeedState;
}

export interface FeedState {
  /**
   * Goes up when references disappear from the feed though what they stand for is shown: who reads meanwhile reads
   * again.
   */
  version: number;
  /** After this key the feed's references are complete; up to it posts are read from their authors' lists. */
  completeAfter?: string;
  /** The newest post that the user has read. */
  readMarker?: string;
}

/** What a change of relations does to one user. */
export interface UserChange {
  userId: string;
  /** By how many it changes whom the user follows. Absent: not at all. */
  following?: 1 | -1;
  followers?: 1 | -1;
  posts?: 1 | -1;
  /** See {@link FeedUser.epoch}. */
  ifEpoch?: number;
  ifModeVersion?: number;
  ifFollowingBelow?: number;
  ifFollowers?: number;
  turn?: { direction: Direction; at: number };
}

export class FeedUserStore {
  constructor(private readonly db: Db) {}

  /** Gives a user a name, and makes the user if there is none. @returns whether it was made. */
  async put(userId: string, name: string): Promise<boolean> {
    const { Attributes } = await this.db.client.send(
      new UpdateCommand({
        TableName: this.table,
        Key: { UserID: userId },
        UpdateExpression:
          'SET #name = :name, FollowerCount = if_not_exists(FollowerCount, :zero), FollowingCount = ' +
          'if_not_exists(FollowingCount, :zero), ' +
          'FollowerChanges = if_not_exists(FollowerChanges, :zero), PostCount = if_not_exists(PostCount, :zero), ' +
          'Epoch = if_not_exists(Epoch, :zero), ' +
          'PushMode = if_not_exists(PushMode, :push), ModeVersion = if_not_exists(ModeVersion, :zero)',
        ExpressionAttributeNames: { '#name': 'Name' }, // A reserved word.
        ExpressionAttributeValues: { ':name': name, ':zero': 0, ':push': 'push' satisfies Mode },
        ReturnValues: 'ALL_OLD',
      }),
    );
    return Attributes?.['Epoch'] === undefined;
  }

  /** Strongly consistent; those that there are not are left out. */
  async find(userIds: readonly string[]): Promise<Map<string, FeedUser>> {
    const keys = [...new Set(userIds)].map((UserID) => ({ UserID }));
    const { Users } = await batchGet(this.db, { Users: { keys, consistent: true } });
    return new Map(Users.map((item) => [item['UserID'] as string, feedUser(item)]));
  }

  /** A page of authors who are between two modes, in no order. Scans: for the reconciler alone. */
  async turning(
    cursor: string | undefined,
  ): Promise<Page<{ userId: string; modeVersion: number; direction: Direction }>> {
    const values = { ':rising': 'rising' satisfies Mode, ':falling': 'falling' satisfies Mode };
    const page = await scanPage(
      this.db,
      'Users',
      { attributes: ['UserID', 'PushMode', 'ModeVersion'], condition: '#PushMode IN (:rising, :falling)', values },
      cursor,
    );
    return {
      ...page,
      items: page.items.map((item) => ({
        userId: item['UserID'] as string,
        modeVersion: item['ModeVersion'] as number,
        direction: item['PushMode'] as Direction,
      })),
    };
  }

  /** The part of a `TransactWriteItems` that changes counts, or only checks a user. */
  change({ userId, following, followers, posts, turn, ...conditions }: UserChange): TransactItem {
    const sets: string[] = [];
    const values: Record<string, unknown> = {};
    const add = (attribute: string, by: number) => {
      sets.push(`${attribute} = ${attribute} + :${attribute}`);
      values[`:${attribute}`] = by;
    };
    if (following !== undefined) {
      add('FollowingCount', following);
      add('Epoch', 1);
    }
    if (followers !== undefined) {
      add('FollowerCount', followers);
      add('FollowerChanges', 1);
    }
    if (posts !== undefined) add('PostCount', posts);
    if (turn) {
      add('ModeVersion', 1);
      sets.push('PushMode = :mode');
      values[':mode'] = turn.direction;
      if (turn.direction === 'rising') {
        sets.push('RisenAt = :at');
        values[':at'] = turn.at;
      }
    }
    const checks = ['attribute_exists(UserID)'];
    const check = (text: string, name: string, value: number | undefined) => {
      if (value === undefined) return;
      checks.push(`${text} :${name}`);
      values[`:${name}`] = value;
    };
    // The race: another change of whom the same user follows. Epochs are therefore given once.
    check('Epoch =', 'ifEpoch', conditions.ifEpoch);
    // The race: the author turns, and what was written by the mode that was read would be lost between both.
    check('ModeVersion =', 'ifModeVersion', conditions.ifModeVersion);
    check('FollowingCount <', 'ifFollowing', conditions.ifFollowingBelow);
    // The race: the first follower comes while a post is written that would owe no fan-out.
    check('FollowerCount =', 'ifFollowers', conditions.ifFollowers);
    const common = {
      TableName: this.table,
      Key: { UserID: userId },
      ConditionExpression: checks.join(' AND '),
      ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
    };
    return sets.length === 0
      ? { ConditionCheck: common }
      : { Update: { ...common, UpdateExpression: `SET ${sets.join(', ')}` } };
  }

  /** The part of a `TransactWriteItems` that makes readings that are under way begin again. */
  moved(userId: string): TransactItem {
    return {
      Update: {
        TableName: this.table,
        Key: { UserID: userId },
        UpdateExpression: 'ADD FeedVersion :one',
        ExpressionAttributeValues: { ':one': 1 },
      },
    };
  }

  /** From now on the feed's references are complete after this key only. Never goes back. */
  async raiseCompleteAfter(userId: string, key: string): Promise<void> {
    await this.forward(
      { userId, set: 'SET CompleteAfter = :key ADD FeedVersion :one', values: { ':key': key, ':one': 1 } },
      // The race: of two that raise it, the higher one must stand.
      'attribute_exists(UserID) AND (attribute_not_exists(CompleteAfter) OR CompleteAfter < :key)',
    );
  }

  /** Marks what is up to this key as read. Never goes back. */
  async moveReadMarker(userId: string, key: string): Promise<void> {
    await this.forward(
      { userId, set: 'SET ReadMarker = :key', values: { ':key': key } },
      // The race: two devices of the reader; the one that has read further is right.
      'attribute_exists(UserID) AND (attribute_not_exists(ReadMarker) OR ReadMarker < :key)',
    );
  }

  /** Ends a turn. Doing so twice changes nothing. */
  async completeTurn(userId: string, modeVersion: number, direction: Direction): Promise<void> {
    const mode: Mode = direction === 'rising' ? 'pull' : 'push';
    await this.forward(
      {
        userId,
        set: 'SET PushMode = :mode',
        values: { ':mode': mode, ':direction': direction, ':version': modeVersion },
      },
      // The race: a late attempt, after the author has turned again.
      'ModeVersion = :version AND PushMode = :direction',
    );
  }

  private async forward(
    { userId, set, values }: { userId: string; set: string; values: Record<string, unknown> },
    condition: string,
  ): Promise<void> {
    // A condition that fails: it is there already, or further.
    await held(() =>
      this.db.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: { UserID: userId },
          UpdateExpression: set,
          ConditionExpression: condition,
          ExpressionAttributeValues: values,
        }),
      ),
    );
  }

  private get table(): string {
    return this.db.table('Users');
  }
}

export function feedUser(item: Record<string, unknown>): FeedUser {
  const count = (name: string) => (item[name] as number | undefined) ?? 0;
  const completeAfter = item['CompleteAfter'] as string | undefined;
  const readMarker = item['ReadMarker'] as string | undefined;
  const risenAt = item['RisenAt'] as number | undefined;
  return {
    userId: item['UserID'] as string,
    name: item['Name'] as string,
    followers: count('FollowerCount'),
    followerChanges: count('FollowerChanges'),
    following: count('FollowingCount'),
    posts: count('PostCount'),
    mode: item['PushMode'] as Mode,
    modeVersion: count('ModeVersion'),
    ...defined({ risenAt }),
    epoch: count('Epoch'),
    feed: {
      version: count('FeedVersion'),
      ...defined({ completeAfter, readMarker }),
    },
  };
}
