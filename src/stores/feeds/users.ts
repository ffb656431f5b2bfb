import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import type { AuthorState, Direction, Mode } from '../../domain/feeds/author';
import { batchGet } from '../batchGet';
import type { Page } from '../cursor';
import type { Db } from '../dynamodb';
import { type Item, itemType, number, optional, orElse, text } from '../items';
import type { TransactItem } from '../platform/outbox';
import { scanPage } from '../scanPage';
import { type FeedState, forward } from './feedState';
import { feedTables } from './tables';

const count = (name: string) => orElse(number(name), 0);
const userItems = itemType(feedTables, 'Users', {
  userId: text('UserID'),
  name: text('Name'),
  followers: count('FollowerCount'),
  followerChanges: count('FollowerChanges'),
  following: count('FollowingCount'),
  posts: count('PostCount'),
  mode: text<Mode>('PushMode'),
  modeVersion: count('ModeVersion'),
  risenAt: optional(number('RisenAt')),
  epoch: count('Epoch'),
  feedVersion: count('FeedVersion'),
  completeAfter: optional(text('CompleteAfter')),
  readMarker: optional(text('ReadMarker')),
});
const changingItems = itemType(feedTables, 'Users', {
  userId: text('UserID'),
  modeVersion: number('ModeVersion'),
  direction: text<Direction>('PushMode'),
});

/** A user of feeds, as a reader and as an author. */
export interface FeedUser extends AuthorState {
  userId: string;
  name: string;
  /** Incremented when a follower is added or removed. */
  followerChanges: number;
  following: number;
  posts: number;
  /** Incremented when the user follows or unfollows an author. A follow stores the epoch at its start. */
  epoch: number;
  feed: FeedState;
}

/** The change of one user by a follow, an unfollow, a post or a turn, and its conditions. */
export interface UserChange {
  userId: string;
  /** Change of the number of followed authors. Absent: no change. */
  following?: 1 | -1;
  followers?: 1 | -1;
  posts?: 1 | -1;
  /** Condition: the user's epoch, see {@link FeedUser.epoch}. */
  ifEpoch?: number;
  ifModeVersion?: number;
  ifFollowingBelow?: number;
  ifFollowers?: number;
  turn?: { direction: Direction; at: number };
}

/** The users of feeds, in the table Users. */
export class FeedUserStore {
  constructor(private readonly db: Db) {}

  /** Sets a user's name, and creates the user if necessary. @returns whether it created the user. */
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
        ExpressionAttributeNames: { '#name': 'Name' }, // `Name` is a reserved word.
        ExpressionAttributeValues: { ':name': name, ':zero': 0, ':push': 'push' satisfies Mode },
        ReturnValues: 'ALL_OLD',
      }),
    );
    return Attributes?.['Epoch'] === undefined;
  }

  /** Returns users by id. Strongly consistent. Missing users are omitted. */
  async find(userIds: readonly string[]): Promise<Map<string, FeedUser>> {
    const keys = [...new Set(userIds)].map((UserID) => ({ UserID }));
    const { Users } = await batchGet(this.db, { Users: { keys, consistent: true } });
    return new Map(Users.map(feedUser).map((user) => [user.userId, user]));
  }

  /** Returns a page of the authors during a turn, in no order. Scans the table: only for the reconciler. */
  authorsChangingMode(
    cursor: string | undefined,
  ): Promise<Page<{ userId: string; modeVersion: number; direction: Direction }>> {
    const values = { ':rising': 'rising' satisfies Mode, ':falling': 'falling' satisfies Mode };
    return scanPage(
      this.db,
      'Users',
      { attributes: changingItems.attributes, condition: '#PushMode IN (:rising, :falling)', values },
      cursor,
      changingItems.read,
    );
  }

  /**
   * Returns the item of a `TransactWriteItems` that changes a user, or only checks the conditions if nothing changes.
   */
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
    const check = (comparison: string, name: string, value: number | undefined) => {
      if (value === undefined) return;
      checks.push(`${comparison} :${name}`);
      values[`:${name}`] = value;
    };
    // Race: another follow or unfollow by the same user. The condition gives each epoch to only one follow.
    check('Epoch =', 'ifEpoch', conditions.ifEpoch);
    // Race: the author's mode changes. A write for the old mode would be missing in the new one.
    check('ModeVersion =', 'ifModeVersion', conditions.ifModeVersion);
    check('FollowingCount <', 'ifFollowing', conditions.ifFollowingBelow);
    // Race: the author gets the first follower while a post is written without an outbox entry for its fan-out.
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

  /** Ends a turn. A repeated call changes nothing. */
  async completeTurn(userId: string, modeVersion: number, direction: Direction): Promise<void> {
    const mode: Mode = direction === 'rising' ? 'pull' : 'push';
    await forward(this.db, {
      userId,
      set: 'SET PushMode = :mode',
      values: { ':mode': mode, ':direction': direction, ':version': modeVersion },
      // Race: a late attempt runs after the author has turned again.
      condition: 'ModeVersion = :version AND PushMode = :direction',
    });
  }

  private get table(): string {
    return this.db.table('Users');
  }
}

/** Converts an item to a user. */
export function feedUser(item: Item): FeedUser {
  const { feedVersion, completeAfter, readMarker, ...user } = userItems.read(item);
  return { ...user, feed: { version: feedVersion, ...defined({ completeAfter, readMarker }) } };
}
