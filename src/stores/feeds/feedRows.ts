import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import { postIdOf, type PostRef } from '../../domain/feeds/post';
import { inLanes } from '../../domain/lanes';
import { batchGet } from '../batchGet';
import { batchWrite } from '../batchWrite';
import { conditionHolds } from '../conditionHolds';
import type { Db } from '../dynamodb';
import { flag, itemType, number, orElse, text } from '../items';
import { queryAll, readEach } from '../query';
import { postItems, type StoredPost } from './posts';
import { type ListPart, refsIn } from './refs';
import { followKey } from './relations';
import { feedTables } from './tables';
import { type FeedUser, feedUser } from './users';

/** A reference in a reader's feed. */
export interface FeedRow extends PostRef {
  readerId: string;
  /** The epoch of the follow that caused the reference. */
  epoch: number;
}

/** The data that a feed page needs to show references. */
export interface VisiblePosts {
  /** By post id, including deleted posts. */
  posts: Map<string, StoredPost>;
  /** The authors of the references that the reader follows. */
  followed: Set<string>;
  reader?: FeedUser;
}

const LANES = 16;
const rowItems = itemType(feedTables, 'Feed', {
  readerId: text('UserID'),
  key: text('TimePostID'),
  authorId: text('AuthorID'),
  epoch: number('Epoch'),
});
const followedItems = itemType(feedTables, 'Followers', { authorId: text('UserID') });
const deletionItems = itemType(feedTables, 'Posts', { deleted: orElse(flag('Deleted'), false) });

/** The references in readers' feeds. A reference only says that a post may be shown. Each read checks whether it is. */
export class FeedRowStore {
  constructor(private readonly db: Db) {}

  /**
   * Writes references. An existing one is replaced, so a repeated call changes nothing.
   * @throws LongwatchError `unavailable` when DynamoDB repeatedly leaves items unwritten.
   */
  async put(rows: readonly FeedRow[]): Promise<void> {
    await batchWrite(
      this.db,
      'Feed',
      rows.map((row) => ({ PutRequest: { Item: rowItems.write(row) } })),
    );
  }

  /** Removes a deleted post from readers' feeds. */
  async retract(key: string, readerIds: readonly string[]): Promise<void> {
    await this.remove(readerIds.map((readerId) => ({ readerId, key })));
  }

  /** Removes references, whatever follow caused them. */
  async remove(rows: readonly Pick<FeedRow, 'readerId' | 'key'>[]): Promise<void> {
    await batchWrite(
      this.db,
      'Feed',
      rows.map(({ readerId, key }) => ({ DeleteRequest: { Key: rowKey(readerId, key) } })),
    );
  }

  /** Removes references of follows up to the given epoch. References of later follows remain. */
  async removeEnded(rows: readonly FeedRow[]): Promise<void> {
    await inLanes(rows, LANES, ({ readerId, key, epoch }) =>
      conditionHolds(() =>
        this.db.client.send(
          new DeleteCommand({
            TableName: this.table,
            Key: rowKey(readerId, key),
            // Race: the reader follows the author again, and the new follow has written the reference.
            ConditionExpression: 'attribute_not_exists(UserID) OR Epoch <= :epoch',
            ExpressionAttributeValues: { ':epoch': epoch },
          }),
        ),
      ),
    );
  }

  /** Returns a part of a reader's feed. Strongly consistent. */
  part(readerId: string, part: ListPart): Promise<PostRef[]> {
    return refsIn(this.db, 'Feed', readerId, part, rowItems.read);
  }

  /**
   * Returns all references in a feed, or those of one author, newest first. Strongly consistent. The size of a feed is
   * limited.
   */
  async all(readerId: string, authorId?: string): Promise<FeedRow[]> {
    const found: FeedRow[] = [];
    const query = {
      table: 'Feed',
      where: 'UserID = :reader',
      values: { ':reader': readerId, ...defined({ ':author': authorId }) },
      ...(authorId !== undefined && { filter: 'AuthorID = :author' }),
      descending: true,
      consistent: true,
    };
    for await (const items of queryAll(this.db, query)) found.push(...readEach(this.db, items, rowItems.read));
    return found;
  }

  /** Returns the data to show references to a reader, strongly consistent, with as few BatchGetItem as possible. */
  async visiblePosts(readerId: string, refs: readonly PostRef[]): Promise<VisiblePosts> {
    const authors = [...new Set(refs.map(({ authorId }) => authorId))];
    const { Posts, Followers, Users } = await batchGet(this.db, {
      Users: { keys: [{ UserID: readerId }], consistent: true },
      Followers: {
        keys: authors.map((authorId) => followKey(readerId, authorId)),
        consistent: true,
        projection: 'UserID',
      },
      Posts: { keys: refs.map(({ key }) => ({ PostID: postIdOf(key) })), consistent: true },
    });
    const [reader] = Users.map(feedUser);
    return {
      posts: new Map(readEach(this.db, Posts, postItems.read).map((post) => [post.postId, post])),
      followed: new Set(Followers.map((item) => followedItems.read(item).authorId)),
      ...defined({ reader }),
    };
  }

  /**
   * Returns whether a post exists and is not deleted, and the author's count of follower changes. Strongly consistent,
   * in one call.
   */
  async standing({ key, authorId }: PostRef): Promise<{ there: boolean; followerChanges: number }> {
    const { Posts, Users } = await batchGet(this.db, {
      Posts: { keys: [{ PostID: postIdOf(key) }], consistent: true, projection: 'PostID, Deleted' },
      Users: { keys: [{ UserID: authorId }], consistent: true },
    });
    return {
      there: Posts.some((item) => !deletionItems.read(item).deleted),
      followerChanges: Users.map(feedUser)[0]?.followerChanges ?? 0,
    };
  }

  private get table(): string {
    return this.db.table('Feed');
  }
}

const rowKey = (readerId: string, key: string) => ({ UserID: readerId, TimePostID: key });
