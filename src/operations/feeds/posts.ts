import { createHash, randomUUID } from 'node:crypto';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import { LongwatchError } from '../../domain/errors';
import { pushes } from '../../domain/feeds/author';
import { dueModeChange } from '../../domain/feeds/modeChange';
import { mayLieInFeeds, type Post, type PostContent, timeKey } from '../../domain/feeds/post';
import { planFor } from '../../domain/feeds/ranges';
import type { FeedSettings } from '../../domain/feeds/settings';
import { startEntry, type WorkflowStart } from '../../domain/platform/outbox';
import { conditionHolds } from '../../stores/conditionHolds';
import type { Db } from '../../stores/dynamodb';
import type { PostStore, StoredPost } from '../../stores/feeds/posts';
import type { RelationStore } from '../../stores/feeds/relations';
import type { FeedUser, FeedUserStore } from '../../stores/feeds/users';
import type { TransactItem } from '../../stores/platform/outbox';
import { againAtOnce, retry } from '../../timing/retry';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { fanOutStart, retractStart } from '../../domain/feeds/workflows';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link Posts} needs. */
export interface PostsParts {
  db: Db;
  users: FeedUserStore;
  relations: RelationStore;
  posts: PostStore;
  outbox: OutboxWriter;
  clock?: Clock;
}

/** A request to create a post. */
export interface NewPost extends PostContent {
  authorId: string;
  /** The caller's id for the post. Default: derived from `idempotencyKey`, or random. */
  postId?: string;
  idempotencyKey?: string;
}

const ATTEMPTS = 50;

/** Creates, reads, edits and deletes posts. */
export class Posts {
  private readonly clock: Clock;

  constructor(
    private readonly parts: PostsParts,
    private readonly settings: FeedSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Creates a post. A repeated request with the same id returns the existing post.
   * @returns the post, and whether this call created it
   * @throws LongwatchError `notFound` (no such author, or no such post to reply to), `conflict` (the id belongs to a
   *   post with other content or to a deleted post), `contention`
   */
  async create(asked: NewPost): Promise<{ post: Post; created: boolean }> {
    const { authorId, text, media, replyTo } = asked;
    const postId =
      asked.postId ?? (asked.idempotencyKey === undefined ? randomUUID() : idFor(authorId, asked.idempotencyKey));
    const contentHash = hashOf({ authorId, text, media, replyTo });
    const exhausted = () =>
      new LongwatchError(
        'contention',
        `Other requests changed the author of post ${postId} during every attempt; try again with the same id`,
      );
    return retry({ attempts: ATTEMPTS, exhausted }, async (attempt) => {
      const [before, author] = await Promise.all([this.parts.posts.find(postId), this.user(authorId)]);
      if (before) return { post: repetition(before, contentHash), created: false };
      if (!author) throw noUser(authorId);
      if (replyTo !== undefined && attempt === 1) await this.mayReply(authorId, replyTo);
      // Normally a change of the followers starts the mode change. This catches a mode change that is due because two
      // changes came at once or because the setting has changed.
      const due = dueModeChange(author, this.settings, this.clock.now());
      const pushed = pushes({ mode: due.turn?.direction ?? author.mode }) && author.followers > 0;
      const at = this.clock.now();
      const post: Post = { postId, authorId, at, text, media, ...defined({ replyTo }), version: 1 };
      const written = await this.write(
        [
          // The decision to push depends on the author's mode and on having followers, so both are conditions of the
          // write.
          this.parts.users.change({
            userId: authorId,
            posts: 1,
            ifModeVersion: author.modeVersion,
            ...(author.followers === 0 && { ifFollowers: 0 }),
            ...defined({ turn: due.turn }),
          }),
          ...this.parts.posts.creation({ ...post, contentHash, pushed }),
        ],
        [...(pushed ? [fanOutStart(this.through(post, author))] : []), ...(due.start ? [due.start] : [])],
      );
      return written ? { post, created: true } : againAtOnce;
    });
  }

  /**
   * Returns a post.
   * @throws LongwatchError `notFound` if it does not exist or was deleted
   */
  async find(postId: string): Promise<StoredPost> {
    const found = await this.parts.posts.find(postId);
    if (!found || found.deleted) throw new LongwatchError('notFound', `There is no post ${postId}`);
    return found;
  }

  /**
   * Returns a post that a reader may see.
   * @throws LongwatchError `notFound`, also if one of the author and the reader has blocked the other
   */
  async findFor(postId: string, readerId: string): Promise<StoredPost> {
    const found = await this.find(postId);
    const { blocks, blockedBy } = await this.parts.relations.between(readerId, found.authorId);
    if (blocks || blockedBy) throw new LongwatchError('notFound', `There is no post ${postId}`);
    return found;
  }

  /**
   * Checks that a reader may see an author's posts; without a reader, that the author exists.
   * @throws LongwatchError `notFound` if the author does not exist, or one of the two has blocked the other
   */
  async mayRead(authorId: string, readerId?: string): Promise<void> {
    const { other: author, blocks, blockedBy } = await this.parts.relations.between(readerId ?? authorId, authorId);
    if (!author || blocks || blockedBy) throw noUser(authorId);
  }

  /**
   * Changes the text or media of a post; absent fields stay unchanged. Feeds contain references, so they show the
   * change at once.
   * @throws LongwatchError `notFound`, `versionMismatch` (`ifVersion` is not the current version), `contention`
   */
  async edit(postId: string, change: Partial<Pick<PostContent, 'text' | 'media'>>, ifVersion?: number): Promise<Post> {
    const exhausted = () =>
      new LongwatchError('contention', `Other requests changed post ${postId} during every attempt; try again`);
    return retry({ attempts: ATTEMPTS, exhausted }, async () => {
      const found = await this.find(postId);
      if (ifVersion !== undefined && ifVersion !== found.version)
        throw new LongwatchError(
          'versionMismatch',
          `Post ${postId} has version ${found.version}, not ${ifVersion}; read it again, then change it`,
        );
      const { text, media } = { ...found, ...change };
      if (text === found.text && JSON.stringify(media) === JSON.stringify(found.media)) return found;
      const editedAt = this.clock.now();
      if (!(await this.parts.posts.edit(found, { text, media }, editedAt))) return againAtOnce;
      return { ...found, text, media, editedAt, version: found.version + 1 };
    });
  }

  /**
   * Deletes a post. From then on no read shows it. Deleting a deleted post changes nothing.
   * @throws LongwatchError `notFound` if the post never existed
   */
  async remove(postId: string): Promise<void> {
    const found = await this.parts.posts.find(postId);
    if (!found) throw new LongwatchError('notFound', `There is no post ${postId}`);
    if (found.deleted) return;
    const author = await this.user(found.authorId);
    if (!author) throw noUser(found.authorId);
    // A stale read of the author is safe: at worst a retraction starts and finds nothing. Reads never show a deleted
    // post.
    const owes = author.followers > 0 && mayLieInFeeds(found, author);
    // If the condition fails, another request has deleted the post.
    await this.write(
      [...this.parts.posts.deletion(found), this.parts.users.change({ userId: author.userId, posts: -1 })],
      owes ? [retractStart(this.through(found, author))] : [],
    );
  }

  private through({ at, postId, authorId }: Post, { followers }: FeedUser) {
    return { post: { key: timeKey(at, postId), authorId }, plan: planFor(followers, this.settings), followers };
  }

  private async mayReply(authorId: string, replyTo: string): Promise<void> {
    try {
      await this.findFor(replyTo, authorId);
    } catch (error) {
      if (!(error instanceof LongwatchError) || error.type !== 'notFound') throw error;
      throw new LongwatchError('notFound', `There is no post ${replyTo} to reply to`, {
        faults: [{ field: 'replyTo', message: 'must be a post that the author may see' }],
      });
    }
  }

  private async user(userId: string): Promise<FeedUser | undefined> {
    return (await this.parts.users.find([userId])).get(userId);
  }

  private async write(items: TransactItem[], starts: WorkflowStart[]): Promise<boolean> {
    const entries = starts.map((start) => startEntry(start, this.clock.now()));
    const TransactItems = [...items, ...entries.map((entry) => this.parts.outbox.recording(entry))];
    const written = await conditionHolds(() => this.parts.db.client.send(new TransactWriteCommand({ TransactItems })));
    if (written) for (const entry of entries) this.parts.outbox.dispatchSoon(entry);
    return written;
  }
}

/**
 * Returns the existing post for a repeated request.
 * @throws LongwatchError `conflict` if the content differs, or the post was deleted
 */
function repetition(before: StoredPost, contentHash: string): Post {
  if (before.contentHash !== contentHash)
    throw new LongwatchError('conflict', `Post ${before.postId} already exists with other content; use another id`);
  if (before.deleted) throw new LongwatchError('conflict', `Post ${before.postId} was deleted; use another id`);
  return before;
}

const noUser = (userId: string) =>
  new LongwatchError('notFound', `There is no user ${userId}; create it with PUT /v1/users/${userId}`);

function hashOf(content: object): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url');
}

/** Derives a post's id from the author and the idempotency key. */
function idFor(authorId: string, idempotencyKey: string): string {
  return hashOf({ authorId, idempotencyKey });
}
