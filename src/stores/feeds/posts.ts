import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import type { FeedDirection, Window } from '../../domain/feeds/merge';
import { type Post, type PostContent, postIdOf, type PostRef, timeKey } from '../../domain/feeds/post';
import { batchGet } from '../batchGet';
import { held } from '../conflicts';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { refsIn } from './refs';

/** A post as it is kept. */
export interface StoredPost extends Post {
  /** What was posted at first, to tell a repetition from another post under the same id. */
  contentHash: string;
  /** Whether it was written into the followers' feeds when it was posted. */
  pushed: boolean;
  /** Nothing of it is shown any more. */
  deleted: boolean;
}

/** Posts by id, and each author's posts in time order. */
export class PostStore {
  constructor(private readonly db: Db) {}

  /** The parts of a `TransactWriteItems` that make a post. */
  creation({
    postId,
    authorId,
    at,
    text,
    media,
    replyTo,
    contentHash,
    pushed,
  }: Omit<StoredPost, 'version' | 'deleted'>): TransactItem[] {
    return [
      {
        Put: {
          TableName: this.db.table('Posts'),
          Item: {
            PostID: postId,
            AuthorID: authorId,
            At: at,
            Body: text,
            Media: media,
            ReplyTo: replyTo,
            Version: 1,
            ContentHash: contentHash,
            Pushed: pushed,
          },
          // The race: the same request sent twice at once. The second finds the first one's post.
          ConditionExpression: 'attribute_not_exists(PostID)',
        },
      },
      { Put: { TableName: this.db.table('AuthorPosts'), Item: { UserID: authorId, TimePostID: timeKey(at, postId) } } },
    ];
  }

  /** Also of deleted ones. Strongly consistent. */
  async find(postId: string): Promise<StoredPost | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Posts'), Key: { PostID: postId }, ConsistentRead: true }),
    );
    return Item && storedPost(Item);
  }

  /** Those of some references that are not deleted, in their order. Strongly consistent. */
  async findAll(refs: readonly PostRef[]): Promise<StoredPost[]> {
    const keys = refs.map(({ key }) => ({ PostID: postIdOf(key) }));
    const { Posts } = await batchGet(this.db, { Posts: { keys, consistent: true } });
    const found = new Map(Posts.map((item) => [item['PostID'] as string, storedPost(item)]));
    return refs.flatMap(({ key }) => found.get(postIdOf(key)) ?? []).filter(({ deleted }) => !deleted);
  }

  /** Changes what a post says. @returns false when it is at another version by now, or deleted. */
  edit(
    { postId, version }: Pick<Post, 'postId' | 'version'>,
    { text, media }: Omit<PostContent, 'replyTo'>,
    editedAt: number,
  ): Promise<boolean> {
    return held(() =>
      this.db.client.send(
        new UpdateCommand({
          TableName: this.db.table('Posts'),
          Key: { PostID: postId },
          UpdateExpression: 'SET Body = :text, Media = :media, EditedAt = :at, Version = :next',
          // The races: another edit, which would be overwritten unread; a delete, which an edit must not undo.
          ConditionExpression: 'Version = :version AND attribute_not_exists(Deleted)',
          ExpressionAttributeValues: {
            ':text': text,
            ':media': media,
            ':at': editedAt,
            ':version': version,
            ':next': version + 1,
          },
        }),
      ),
    );
  }

  /** The parts of a `TransactWriteItems` that delete a post; its id stays taken. */
  deletion({ postId, authorId, at }: Post): TransactItem[] {
    return [
      {
        Update: {
          TableName: this.db.table('Posts'),
          Key: { PostID: postId },
          UpdateExpression: 'SET Deleted = :yes REMOVE Body, Media',
          // The race: two deletes. Only one counts the post off and owes its retraction.
          ConditionExpression: 'attribute_not_exists(Deleted)',
          ExpressionAttributeValues: { ':yes': true },
        },
      },
      {
        Delete: { TableName: this.db.table('AuthorPosts'), Key: { UserID: authorId, TimePostID: timeKey(at, postId) } },
      },
    ];
  }

  /** What an author posted and has not deleted, in the order of reading. Strongly consistent. */
  ofAuthor(authorId: string, window: Window, direction: FeedDirection, limit: number): Promise<PostRef[]> {
    return refsIn(this.db, 'AuthorPosts', authorId, { window, direction, limit }, (item) => ({
      key: item['TimePostID'] as string,
      authorId,
    }));
  }
}

export function storedPost(item: Record<string, unknown>): StoredPost {
  const editedAt = item['EditedAt'] as number | undefined;
  const replyTo = item['ReplyTo'] as string | undefined;
  return {
    postId: item['PostID'] as string,
    authorId: item['AuthorID'] as string,
    at: item['At'] as number,
    text: (item['Body'] as string | undefined) ?? '',
    media: (item['Media'] as string[] | undefined) ?? [],
    ...defined({ replyTo }),
    version: item['Version'] as number,
    ...defined({ editedAt }),
    contentHash: item['ContentHash'] as string,
    pushed: item['Pushed'] as boolean,
    deleted: item['Deleted'] === true,
  };
}
