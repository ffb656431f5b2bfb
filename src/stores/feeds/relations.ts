import { DeleteCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import { followerIdOf, followerKey, type Slice } from '../../domain/feeds/ranges';
import { compositeKey } from '../../domain/ids';
import { batchGet } from '../batchGet';
import { held } from '../conflicts';
import type { Page, PageRequest } from '../cursor';
import { type Item, queryAll, queryFrom, queryPage, type TableQuery } from '../query';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { type FeedUser, feedUser, type FeedUserStore } from './users';

/** Somebody follows somebody. */
export interface Follow {
  /** See `FeedUser.epoch`: no two follows of one reader have the same, and a later one has a higher. */
  epoch: number;
  /** Epoch ms. */
  since: number;
}

export interface Follower extends Pick<Follow, 'epoch'> {
  followerId: string;
  /** Where the next page begins. */
  key: string;
}

/** Everything between two users. */
export interface Pair {
  one?: FeedUser;
  other?: FeedUser;
  /** One follows the other; the other follows the one. */
  follows?: Follow;
  followedBy?: Follow;
  /** One has blocked the other; the other the one. */
  blocks: boolean;
  blockedBy: boolean;
}

const FOLLOWS = 'follows';
const PULLS = 'pulls';
/** Sort before and after every character of an id. */
const FIRST = ' ';
const LAST = '~';

/** Who follows whom, who has blocked whom, and whose posts a feed reads at read time. */
export class RelationStore {
  constructor(
    private readonly db: Db,
    private readonly users: FeedUserStore,
  ) {}

  /** Strongly consistent, in one BatchGetItem. */
  async between(one: string, other: string): Promise<Pair> {
    const isOne = one === other;
    const found = await batchGet(this.db, {
      Users: { keys: isOne ? [{ UserID: one }] : [{ UserID: one }, { UserID: other }], consistent: true },
      Followers: { keys: isOne ? [] : [followKey(one, other), followKey(other, one)], consistent: true },
      Blocks: { keys: isOne ? [] : [blockKey(one, other), blockKey(other, one)], consistent: true },
    });
    const user = (id: string) => found.Users.filter((item) => item['UserID'] === id).map(feedUser)[0];
    const follow = (author: string) => found.Followers.filter((item) => item['UserID'] === author).map(followOf)[0];
    const has = (by: string) => found.Blocks.some((item) => item['UserID'] === by);
    const [first, second, follows, followedBy] = [user(one), user(other), follow(other), follow(one)];
    return {
      ...defined({ one: first, other: second, follows, followedBy }),
      blocks: has(one),
      blockedBy: has(other),
    };
  }

  /** Whether a reader follows an author now. Strongly consistent. */
  async follow(readerId: string, authorId: string): Promise<Follow | undefined> {
    const { Followers } = await batchGet(this.db, {
      Followers: { keys: [followKey(readerId, authorId)], consistent: true },
    });
    return Followers.map(followOf)[0];
  }

  /** The parts of a `TransactWriteItems` that begin a follow; `mark`: of an author whose posts are read, not pushed. */
  beginning(
    readerId: string,
    authorId: string,
    { epoch, since }: Follow,
    mark: { modeVersion: number } | undefined,
  ): TransactItem[] {
    const [TableName, Following] = [this.db.table('Followers'), this.db.table('Following')];
    return [
      // No conditions: the reader's epoch guards them, which changes with every change of whom the reader follows.
      { Put: { TableName, Item: { ...followKey(readerId, authorId), Epoch: epoch, Since: since } } },
      { Put: { TableName: Following, Item: { ...entryKey(readerId, FOLLOWS, authorId), Since: since } } },
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

  /** The parts of a `TransactWriteItems` that end a follow. */
  ending(readerId: string, authorId: string): TransactItem[] {
    const Following = this.db.table('Following');
    return [
      { Delete: { TableName: this.db.table('Followers'), Key: followKey(readerId, authorId) } },
      { Delete: { TableName: Following, Key: entryKey(readerId, FOLLOWS, authorId) } },
      { Delete: { TableName: Following, Key: entryKey(readerId, PULLS, authorId) } },
    ];
  }

  private unblocked(by: string, whom: string): TransactItem {
    // The race: a block at the same moment. Whichever is second finds the first.
    return {
      ConditionCheck: {
        TableName: this.db.table('Blocks'),
        Key: blockKey(by, whom),
        ConditionExpression: 'attribute_not_exists(UserID)',
      },
    };
  }

  block(by: string, whom: string, since: number): TransactItem {
    return { Put: { TableName: this.db.table('Blocks'), Item: { ...blockKey(by, whom), Since: since } } };
  }

  /** Ends a block. One that there is not is ended already. */
  async unblock(by: string, whom: string): Promise<void> {
    await held(() =>
      this.db.client.send(new DeleteCommand({ TableName: this.db.table('Blocks'), Key: blockKey(by, whom) })),
    );
  }

  /** An author's followers of a slice, in the order of their keys. Strongly consistent. */
  async followersOf(authorId: string, { range, after }: Slice, limit: number): Promise<Follower[]> {
    return this.followersBetween(
      authorId,
      after === undefined ? range.from : `${after}${FIRST}`,
      `${range.to}${LAST}`,
      limit,
    );
  }

  /** The same followers once more, as they are now: none that began later but those among them, none that has ended. */
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
      // Only what is needed: unmarshalling hundreds of thousands of items dominates this query's cost.
      projection: 'BucketFollowerID, Epoch',
      consistent: true,
    };
    const isFull = (): boolean => limit !== undefined && found.length >= limit;
    let start: Item | undefined;
    do {
      const left = limit === undefined ? {} : { limit: limit - found.length };
      const { items, next } = await queryFrom(this.db, { ...query, ...left }, start);
      found.push(...items.map(follower));
      start = next;
    } while (start && !isFull());
    return found;
  }

  /** A page of who follows a user, in no particular order. */
  followers(userId: string, page: PageRequest = {}): Promise<Page<{ userId: string; since: number }>> {
    return queryPage(
      this.db,
      { name: 'followers', of: { userId } },
      { table: 'Followers', where: 'UserID = :user', values: { ':user': userId }, consistent: true },
      page,
      (item) => ({ userId: follower(item).followerId, since: item['Since'] as number }),
    );
  }

  /** A page of whom a user follows, by id. */
  following(userId: string, page: PageRequest = {}): Promise<Page<{ userId: string; since: number }>> {
    return queryPage(this.db, { name: 'following', of: { userId } }, entriesOf(userId, FOLLOWS), page, (item) => ({
      userId: authorOf(item),
      since: item['Since'] as number,
    }));
  }

  /** All whom a user follows; bounded by MAX_FOLLOWING. Strongly consistent. */
  allFollowing(userId: string): Promise<string[]> {
    return this.authors(userId, FOLLOWS);
  }

  /** The authors that a user follows whose posts are read at read time. Strongly consistent. */
  marks(userId: string): Promise<string[]> {
    return this.authors(userId, PULLS);
  }

  private async authors(userId: string, kind: string): Promise<string[]> {
    const found: string[] = [];
    for await (const items of queryAll(this.db, entriesOf(userId, kind))) found.push(...items.map(authorOf));
    return found;
  }

  /** Which of these readers have a mark of the author. Strongly consistent. */
  async marked(authorId: string, readerIds: readonly string[]): Promise<Set<string>> {
    const keys = readerIds.map((id) => entryKey(id, PULLS, authorId));
    const { Following } = await batchGet(this.db, { Following: { keys, consistent: true, projection: 'UserID' } });
    return new Set(Following.map((item) => item['UserID'] as string));
  }

  /** Marks an author as read at read time for a follower, who must be the one that was seen. */
  async mark(authorId: string, { followerId, epoch }: Follower, modeVersion: number): Promise<void> {
    await this.forwardMark([
      {
        ConditionCheck: {
          TableName: this.db.table('Followers'),
          Key: followKey(followerId, authorId),
          // The race: an unfollow, after which nothing would ever take the mark away.
          ConditionExpression: 'Epoch = :epoch',
          ExpressionAttributeValues: { ':epoch': epoch },
        },
      },
      {
        Put: {
          TableName: this.db.table('Following'),
          Item: { ...entryKey(followerId, PULLS, authorId), ModeVersion: modeVersion },
          // The race: a late attempt, after the author has fallen and risen again; its older mark could be taken away
          // by the fall.
          ConditionExpression: 'attribute_not_exists(UserID) OR ModeVersion < :version',
          ExpressionAttributeValues: { ':version': modeVersion },
        },
      },
    ]);
  }

  /**
   * Takes a mark away, and makes the reader's readings that are under way begin again: they may have missed both ways.
   */
  async unmark(authorId: string, followerId: string, modeVersion: number): Promise<void> {
    await this.forwardMark([
      {
        Delete: {
          TableName: this.db.table('Following'),
          Key: entryKey(followerId, PULLS, authorId),
          // The race: a late attempt, after the author has risen again.
          ConditionExpression: 'ModeVersion < :version',
          ExpressionAttributeValues: { ':version': modeVersion },
        },
      },
      this.users.moved(followerId),
    ]);
  }

  private async forwardMark(TransactItems: TransactItem[]): Promise<void> {
    await held(() => this.db.client.send(new TransactWriteCommand({ TransactItems })));
  }
}

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

const authorOf = (item: Record<string, unknown>): string =>
  (item['Entry'] as string).slice((item['Entry'] as string).indexOf('#') + 1);
const followOf = (item: Record<string, unknown>): Follow => ({
  epoch: item['Epoch'] as number,
  since: item['Since'] as number,
});

function follower(item: Record<string, unknown>): Follower {
  const key = item['BucketFollowerID'] as string;
  return { followerId: followerIdOf(key), key, epoch: item['Epoch'] as number };
}
