import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { FeedDirection, Window } from '../../domain/feeds/merge';
import { type Post, type PostContent, postIdOf, type PostRef, timeKey } from '../../domain/feeds/post';
import { batchGet } from '../batchGet';
import { conditionHolds } from '../conditionHolds';
import type { Db } from '../dynamodb';
import { flag, itemType, list, number, optional, orElse, text } from '../items';
import type { TransactItem } from '../platform/outbox';
import { readEach } from '../query';
import { refsIn } from './refs';
import { feedTables } from './tables';

/** A post as it is stored. */
export interface StoredPost extends Post {
  /** Hash of the first request, which distinguishes a repeated request from another post with the same id. */
  contentHash: string;
  /** Whether the post was pushed to the followers' feeds when it was posted. */
  pushed: boolean;
  /** The post is a tombstone and is not shown. */
  deleted: boolean;
}

/** The item of a post. A deleted post has no text and media. */
export const postItems = itemType(feedTables, 'Posts', {
  postId: text('PostID'),
  authorId: text('AuthorID'),
  at: number('At'),
  text: orElse(text('Body'), ''),
  media: orElse(list<string>('Media'), []),
  replyTo: optional(text('ReplyTo')),
  version: number('Version'),
  editedAt: optional(number('EditedAt')),
  contentHash: text('ContentHash'),
  pushed: flag('Pushed'),
  deleted: orElse(flag('Deleted'), false),
});
const newPostItems = postItems.pick(
  'postId',
  'authorId',
  'at',
  'text',
  'media',
  'replyTo',
  'version',
  'contentHash',
  'pushed',
);
const authorPostItems = itemType(feedTables, 'AuthorPosts', { key: text('TimePostID') });

/** Posts by id, and each author's posts in time order. */
export class PostStore {
  constructor(private readonly db: Db) {}

  /** Returns the items of a `TransactWriteItems` that create a post. */
  creation(post: Omit<StoredPost, 'version' | 'deleted'>): TransactItem[] {
    const { postId, authorId, at } = post;
    return [
      {
        Put: {
          TableName: this.db.table('Posts'),
          Item: newPostItems.write({ ...post, version: 1 }),
          // Race: the same request arrives twice at the same time. The second one finds the post of the first one.
          ConditionExpression: 'attribute_not_exists(PostID)',
        },
      },
      { Put: { TableName: this.db.table('AuthorPosts'), Item: { UserID: authorId, TimePostID: timeKey(at, postId) } } },
    ];
  }

  /** Returns a post, even if it is deleted. Strongly consistent. */
  async find(postId: string): Promise<StoredPost | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Posts'), Key: { PostID: postId }, ConsistentRead: true }),
    );
    return Item && postItems.read(Item);
  }

  /** Returns the posts of references in the same order, without deleted ones. Strongly consistent. */
  async findAll(refs: readonly PostRef[]): Promise<StoredPost[]> {
    const keys = refs.map(({ key }) => ({ PostID: postIdOf(key) }));
    const { Posts } = await batchGet(this.db, { Posts: { keys, consistent: true } });
    const found = new Map(readEach(this.db, Posts, postItems.read).map((post) => [post.postId, post]));
    return refs.flatMap(({ key }) => found.get(postIdOf(key)) ?? []).filter(({ deleted }) => !deleted);
  }

  /**
   * Changes the content of a post.
   * @returns false if the post has another version or is deleted.
   * @throws LongwatchError `contention`.
   */
  edit(
    { postId, version }: Pick<Post, 'postId' | 'version'>,
    content: Omit<PostContent, 'replyTo'>,
    editedAt: number,
  ): Promise<boolean> {
    return conditionHolds(() =>
      this.db.client.send(
        new UpdateCommand({
          TableName: this.db.table('Posts'),
          Key: { PostID: postId },
          UpdateExpression: 'SET Body = :text, Media = :media, EditedAt = :at, Version = :next',
          // Races: another edit, which this one would overwrite; or a deletion, which an edit must not undo.
          ConditionExpression: 'Version = :version AND attribute_not_exists(Deleted)',
          ExpressionAttributeValues: {
            ':text': content.text,
            ':media': content.media,
            ':at': editedAt,
            ':version': version,
            ':next': version + 1,
          },
        }),
      ),
    );
  }

  /** Returns the items of a `TransactWriteItems` that turn a post into a tombstone. Its id cannot be used again. */
  deletion({ postId, authorId, at }: Post): TransactItem[] {
    return [
      {
        Update: {
          TableName: this.db.table('Posts'),
          Key: { PostID: postId },
          UpdateExpression: 'SET Deleted = :yes REMOVE Body, Media',
          // Race: two requests delete the post. Only one of them decrements the count and records the outbox entry of
          // the retraction.
          ConditionExpression: 'attribute_not_exists(Deleted)',
          ExpressionAttributeValues: { ':yes': true },
        },
      },
      {
        Delete: { TableName: this.db.table('AuthorPosts'), Key: { UserID: authorId, TimePostID: timeKey(at, postId) } },
      },
    ];
  }

  /** Returns the posts of an author that are not deleted, in reading order. Strongly consistent. */
  ofAuthor(authorId: string, window: Window, direction: FeedDirection, limit: number): Promise<PostRef[]> {
    return refsIn(this.db, 'AuthorPosts', authorId, { window, direction, limit }, (item) => ({
      ...authorPostItems.read(item),
      authorId,
    }));
  }
}
