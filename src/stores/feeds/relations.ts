import { DeleteCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import { followerIdOf, followerKey, type Slice } from '../../domain/feeds/ranges';
import { compositeKey } from '../../domain/ids';
import { batchGet } from '../batchGet';
import { conditionHolds } from '../conditionHolds';
import type { Page, PageRequest } from '../cursor';
import { queryAll, queryFrom, queryPage, readEach, type TableQuery } from '../query';
import type { Db } from '../dynamodb';
import { composite, type Item, itemType, number, text } from '../items';
import type { TransactItem } from '../platform/outbox';
import { feedTables } from './tables';
import { type FeedUser, feedUser } from './users';
import { FeedStateStore } from './feedState';

/** A follow of an author by a reader. */
export interface Follow {
  /** See `FeedUser.epoch`. Each follow of a reader has its own epoch; a later follow has a higher one. */
  epoch: number;
  /** Epoch ms. */
  since: number;
}

/** A follower of an author. */
export interface Follower extends Pick<Follow, 'epoch'> {
  followerId: string;
  /** The sort key, at which the next page continues. */
  key: string;
}

/** The relations between two users. */
export interface Pair {
  one?: FeedUser;
  other?: FeedUser;
  /** The follow of `other` by `one`. */
  follows?: Follow;
  /** The follow of `one` by `other`. */
  followedBy?: Follow;
  /** Whether `one` has blocked `other`. */
  blocks: boolean;
  /** Whether `other` has blocked `one`. */
  blockedBy: boolean;
}

const FOLLOWS = 'follows';
const PULLS = 'pulls';
const followItems = itemType(feedTables, 'Followers', { epoch: number('Epoch'), since: number('Since') });
const followerItems = itemType(feedTables, 'Followers', { key: text('BucketFollowerID'), epoch: number('Epoch') });
const entryItems = itemType(feedTables, 'Following', { entry: composite('Entry') });
const sinceItems = itemType(feedTables, 'Following', { since: number('Since') });
const readerItems = itemType(feedTables, 'Following', { userId: text('UserID') });
/** Characters that sort before and after every character of an id. */
const FIRST = ' ';
const LAST = '~';

/** Follows, blocks, and the marks of authors whose posts feeds read on each request (fan-out on read). */
export class RelationStore {
  private readonly states: FeedStateStore;

  constructor(private readonly db: Db) {
    this.states = new FeedStateStore(db);
  }

  /** Returns the relations between two users. Strongly consistent, in one BatchGetItem. */
  async between(one: string, other: string): Promise<Pair> {
    const isOne = one === other;
    const found = await batchGet(this.db, {
      Users: { keys: isOne ? [{ UserID: one }] : [{ UserID: one }, { UserID: other }], consistent: true },
      Followers: { keys: isOne ? [] : [followKey(one, other), followKey(other, one)], consistent: true },
      Blocks: { keys: isOne ? [] : [blockKey(one, other), blockKey(other, one)], consistent: true },
    });
    const user = (id: string) => found.Users.filter((item) => item['UserID'] === id).map(feedUser)[0];
    const follow = (author: string) =>
      found.Followers.filter((item) => item['UserID'] === author).map(followItems.read)[0];
    const has = (by: string) => found.Blocks.some((item) => item['UserID'] === by);
    const [first, second, follows, followedBy] = [user(one), user(other), follow(other), follow(one)];
    return {
      ...defined({ one: first, other: second, follows, followedBy }),
      blocks: has(one),
      blockedBy: has(other),
    };
  }

  /** Returns the follow of an author by a reader; undefined if there is none. Strongly consistent. */
  async follow(readerId: string, authorId: string): Promise<Follow | undefined> {
    const { Followers } = await batchGet(this.db, {
      Followers: { keys: [followKey(readerId, authorId)], consistent: true },
    });
    return Followers.map(followItems.read)[0];
  }

  /**
   * Returns the items of a `TransactWriteItems` that begin a follow.
   * @param mark for an author whose posts are not pushed: the version of the author's mode.
   */
  beginning(
    readerId: string,
    authorId: string,
    { epoch, since }: Follow,
    mark: { modeVersion: number } | undefined,
  ): TransactItem[] {
    const [TableName, Following] = [this.db.table('Followers'), this.db.table('Following')];
    return [
      // No conditions: the condition on the reader's epoch protects these items, because every follow and unfollow
      // increments it.
      { Put: { TableName, Item: followItems.write({ epoch, since }, followKey(readerId, authorId)) } },
      { Put: { TableName: Following, Item: sinceItems.write({ since }, entryKey(readerId, FOLLOWS, authorId)) } },
      ...(mark
        ? [
            {
              Put: {
                TableName: Following,
                Item: { ...entryKey(readerId, PULLS, authorId), ModeVersion: mark.modeVersion },
              },
            },
          ]
        : []),
      this.unblocked(readerId, authorId),
      this.unblocked(authorId, readerId),
    ];
  }

  /** Returns the items of a `TransactWriteItems` that end a follow. */
  ending(readerId: string, authorId: string): TransactItem[] {
    const Following = this.db.table('Following');
    return [
      { Delete: { TableName: this.db.table('Followers'), Key: followKey(readerId, authorId) } },
      { Delete: { TableName: Following, Key: entryKey(readerId, FOLLOWS, authorId) } },
      { Delete: { TableName: Following, Key: entryKey(readerId, PULLS, authorId) } },
    ];
  }

  private unblocked(by: string, whom: string): TransactItem {
    // Race: one user blocks the other at the same moment. The second transaction detects the first.
    return {
      ConditionCheck: {
        TableName: this.db.table('Blocks'),
        Key: blockKey(by, whom),
        ConditionExpression: 'attribute_not_exists(UserID)',
      },
    };
  }

  /** Returns the item of a `TransactWriteItems` that blocks a user. */
  block(by: string, whom: string, since: number): TransactItem {
    return { Put: { TableName: this.db.table('Blocks'), Item: { ...blockKey(by, whom), Since: since } } };
  }

  /** Ends a block. Succeeds if there is none. @throws LongwatchError `contention`. */
  async unblock(by: string, whom: string): Promise<void> {
    await conditionHolds(() =>
      this.db.client.send(new DeleteCommand({ TableName: this.db.table('Blocks'), Key: blockKey(by, whom) })),
    );
  }

  /** Returns up to `limit` followers of a slice of an author's followers, ordered by key. Strongly consistent. */
  async followersOf(authorId: string, { range, after }: Slice, limit: number): Promise<Follower[]> {
    return this.followersBetween(
      authorId,
      after === undefined ? range.from : `${after}${FIRST}`,
      `${range.to}${LAST}`,
      limit,
    );
  }

  /**
   * Reads a page of followers again. The result also has new followers within the page's range of keys, and omits ended
   * follows. Strongly consistent.
   */
  async sameFollowers(authorId: string, page: readonly Follower[]): Promise<Follower[]> {
    const [first, last] = [page[0], page.at(-1)];
    return first && last ? this.followersBetween(authorId, first.key, last.key) : [];
  }

  private async followersBetween(authorId: string, from: string, to: string, limit?: number): Promise<Follower[]> {
    const found: Follower[] = [];
    const query: TableQuery = {
      table: 'Followers',
      where: 'UserID = :author AND BucketFollowerID BETWEEN :from AND :to',
      values: { ':author': authorId, ':from': from, ':to': to },
      // Only the needed attributes: unmarshalling hundreds of thousands of items dominates this query's cost.
      projection: 'BucketFollowerID, Epoch',
      consistent: true,
    };
    const isFull = (): boolean => limit !== undefined && found.length >= limit;
    let start: Item | undefined;
    do {
      const left = limit === undefined ? {} : { limit: limit - found.length };
      const { items, next } = await queryFrom(this.db, { ...query, ...left }, start);
      found.push(...readEach(this.db, items, follower));
      start = next;
    } while (start && !isFull());
    return found;
  }

  /** Returns a page of a user's followers, in no particular order. Strongly consistent. */
  followers(userId: string, page: PageRequest = {}): Promise<Page<{ userId: string; since: number }>> {
    return queryPage(
      this.db,
      { name: 'followers', of: { userId } },
      { table: 'Followers', where: 'UserID = :user', values: { ':user': userId }, consistent: true },
      page,
      (item) => ({ userId: follower(item).followerId, since: followItems.read(item).since }),
    );
  }

  /** Returns a page of the users that a user follows, ordered by id. Strongly consistent. */
  following(userId: string, page: PageRequest = {}): Promise<Page<{ userId: string; since: number }>> {
    return queryPage(this.db, { name: 'following', of: { userId } }, entriesOf(userId, FOLLOWS), page, (item) => ({
      userId: authorOf(item),
      since: sinceItems.read(item).since,
    }));
  }

  /** Returns all users that a user follows, at most MAX_FOLLOWING. Strongly consistent. */
  allFollowing(userId: string): Promise<string[]> {
    return this.authors(userId, FOLLOWS);
  }

  /** Returns the followed authors whose posts the feed reads on each request. Strongly consistent. */
  readTimeAuthors(userId: string): Promise<string[]> {
    return this.authors(userId, PULLS);
  }

  private async authors(userId: string, kind: string): Promise<string[]> {
    const found: string[] = [];
    for await (const items of queryAll(this.db, entriesOf(userId, kind)))
      found.push(...readEach(this.db, items, authorOf));
    return found;
  }

  /** Returns which of the readers have a mark for the author. Strongly consistent. */
  async marked(authorId: string, readerIds: readonly string[]): Promise<Set<string>> {
    const keys = readerIds.map((id) => entryKey(id, PULLS, authorId));
    const { Following } = await batchGet(this.db, { Following: { keys, consistent: true, projection: 'UserID' } });
    return new Set(Following.map((item) => readerItems.read(item).userId));
  }

  /**
   * Writes a follower's mark for an author, if the follow still has the epoch that was read. Otherwise changes nothing.
   */
  async mark(authorId: string, { followerId, epoch }: Follower, modeVersion: number): Promise<void> {
    await this.forwardMark([
      {
        ConditionCheck: {
          TableName: this.db.table('Followers'),
          Key: followKey(followerId, authorId),
          // Race: the reader unfollows the author. Then nothing would ever remove the mark.
          ConditionExpression: 'Epoch = :epoch',
          ExpressionAttributeValues: { ':epoch': epoch },
        },
      },
      {
        Put: {
          TableName: this.db.table('Following'),
          Item: { ...entryKey(followerId, PULLS, authorId), ModeVersion: modeVersion },
          // Race: a late attempt runs after the author has changed to `push` and back. The end of the change to `push`
          // could remove its older mark.
          ConditionExpression: 'attribute_not_exists(UserID) OR ModeVersion < :version',
          ExpressionAttributeValues: { ':version': modeVersion },
        },
      },
    ]);
  }

  /**
   * Removes a mark, and makes concurrent reads of the reader's feed start again, because they may have seen neither the
   * mark nor the pushed posts.
   */
  async unmark(authorId: string, followerId: string, modeVersion: number): Promise<void> {
    await this.forwardMark([
      {
        Delete: {
          TableName: this.db.table('Following'),
          Key: entryKey(followerId, PULLS, authorId),
          // Race: a late attempt runs after the author has turned to `pull` again.
          ConditionExpression: 'ModeVersion < :version',
          ExpressionAttributeValues: { ':version': modeVersion },
        },
      },
      this.states.moved(followerId),
    ]);
  }

  private async forwardMark(TransactItems: TransactItem[]): Promise<void> {
    await conditionHolds(() => this.db.client.send(new TransactWriteCommand({ TransactItems })));
  }
}

/** Returns the key of a follow. */
export const followKey = (readerId: string, authorId: string) => ({
  UserID: authorId,
  BucketFollowerID: followerKey(readerId),
});
const blockKey = (by: string, whom: string) => ({ UserID: by, BlockedID: whom });
const entryKey = (userId: string, kind: string, authorId: string) => ({
  UserID: userId,
  Entry: compositeKey(kind, authorId),
});

const entriesOf = (userId: string, kind: string): TableQuery => ({
  table: 'Following',
  where: 'UserID = :user AND begins_with(Entry, :kind)',
  values: { ':user': userId, ':kind': compositeKey(kind, '') },
  consistent: true,
});

/** The author of a follow (`follows#<author>`) or of a mark (`pulls#<author>`). */
const authorOf = (item: Item): string => entryItems.read(item).entry[1] ?? '';

function follower(item: Item): Follower {
  const { key, epoch } = followerItems.read(item);
  return { followerId: followerIdOf(key), key, epoch };
}
