import { LongwatchError } from '../../domain/errors';
import { beyond, type FeedDirection, merged, type Window } from '../../domain/feeds/merge';
import { type Post, postIdOf, type PostRef, timeKey } from '../../domain/feeds/post';
import type { FeedSettings } from '../../domain/feeds/settings';
import { inLanes } from '../../domain/lanes';
import { fromCursor, type List, toCursor } from '../../stores/cursor';
import type { FeedRowStore } from '../../stores/feeds/feedRows';
import type { PostStore } from '../../stores/feeds/posts';
import type { RelationStore } from '../../stores/feeds/relations';
import type { FeedState, FeedStateStore } from '../../stores/feeds/feedState';
import type { FeedUserStore } from '../../stores/feeds/users';
import { againAtOnce, retry } from '../../timing/retry';

/** The parts that {@link Feeds} needs. */
export interface FeedParts {
  users: FeedUserStore;
  states: FeedStateStore;
  relations: RelationStore;
  posts: PostStore;
  rows: FeedRowStore;
}

/**
 * `push`: reads the rows of the feed, and the lists of authors above the threshold. `pull`: reads the lists of all
 * followed authors.
 */
export type FeedMode = 'push' | 'pull';

/** A request for a page of a feed. */
export interface FeedRequest {
  cursor?: string;
  /** Default `older`. */
  direction?: FeedDirection;
  limit?: number;
  /** Default `push`. */
  mode?: FeedMode;
}

/** A post in a feed. */
export interface ShownPost extends Post {
  /** Whether the post is newer than the reader's read marker. */
  unread: boolean;
}

/** A page of a feed. */
export interface FeedPage {
  /** Newest first. */
  items: ShownPost[];
  /** Cursor for older posts; absent at the end of the feed. */
  older?: string;
  /** Cursor for newer posts, which may not exist yet; absent if no post was ever shown. */
  newer?: string;
}

interface Position {
  key: string;
  /** Number of posts between the top of the feed and this position, for the cap. */
  depth: number;
}

/** A period of time in which the same lists are complete. */
interface Region {
  window: Window;
  /** The authors whose lists are read. With `rows`, the feed's own rows are read too. */
  authors: readonly string[];
  rows: boolean;
}

const DEFAULT_LIMIT = 20;
/** Maximum number of lists that one read queries in parallel. */
const LANES = 16;
/**
 * Minimum number of references in a further query, when some references before were not shown. A few more cost less
 * than another round.
 */
const REFILL = 20;
/** Maximum attempts of a read. A read starts again if the feed's structure changed meanwhile, which is rare. */
const ATTEMPTS = 20;
/** Unread posts are counted up to this number. */
export const MAX_UNREAD = 100;

/**
 * Reads feeds. A list may contain a post that must not be shown. So after reading the lists, strongly consistent reads
 * check that the reader follows the author and that the post is not deleted. Late background work therefore never shows
 * a wrong post.
 */
export class Feeds {
  constructor(
    private readonly parts: FeedParts,
    private readonly settings: Pick<FeedSettings, 'cap'>,
  ) {}

  /**
   * Reads a page of a feed.
   * @throws LongwatchError `notFound` (no such reader), `invalid` (the cursor is not of this feed), `contention`
   */
  async read(
    readerId: string,
    { cursor, direction = 'older', limit = DEFAULT_LIMIT, mode = 'push' }: FeedRequest = {},
  ): Promise<FeedPage> {
    const from = cursor === undefined ? undefined : position(readerId, cursor);
    // Without a cursor the read starts at the top, and there is nothing newer.
    const towards = from ? direction : 'older';
    const wanted = towards === 'newer' ? limit : Math.max(0, Math.min(limit, this.settings.cap - (from?.depth ?? 0)));
    const exhausted = () =>
      new LongwatchError('contention', `The feed of ${readerId} changed during every attempt to read it; try again`);
    return retry({ attempts: ATTEMPTS, exhausted }, async () => {
      const found = await this.attempt(readerId, { from, direction: towards, mode, wanted: wanted + 1 });
      return found ? this.page(readerId, found, { from, direction: towards, wanted }) : againAtOnce;
    });
  }

  /**
   * Marks a post and all older posts as read. The marker never moves back.
   * @throws LongwatchError `notFound` (no such user, no such post)
   */
  async moveReadMarker(readerId: string, postId: string): Promise<{ postId: string }> {
    const [post] = await Promise.all([this.parts.posts.find(postId), this.state(readerId)]);
    if (!post)
      throw new LongwatchError('notFound', `There is no post ${postId}`, {
        faults: [{ field: 'postId', message: 'must be a post of the feed' }],
      });
    await this.parts.states.moveReadMarker(readerId, timeKey(post.at, postId));
    const { readMarker = '' } = await this.state(readerId);
    return { postId: postIdOf(readMarker) };
  }

  /**
   * Counts the posts that are newer than the read marker, up to `MAX_UNREAD`.
   * @throws LongwatchError `notFound` (no such user), `contention`
   */
  async unread(readerId: string): Promise<{ count: number; more: boolean }> {
    const { readMarker } = await this.state(readerId);
    const from = readMarker === undefined ? undefined : { key: readMarker, depth: 0 };
    const { items } = await this.read(readerId, {
      limit: MAX_UNREAD + 1,
      ...(from && { cursor: cursorOf(readerId, from), direction: 'newer' }),
    });
    return { count: Math.min(items.length, MAX_UNREAD), more: items.length > MAX_UNREAD };
  }

  /**
   * Reads up to `wanted` posts in reading order.
   * @returns undefined if the feed's structure changed meanwhile
   */
  private async attempt(
    readerId: string,
    {
      from,
      direction,
      mode,
      wanted,
    }: { from: Position | undefined; direction: FeedDirection; mode: FeedMode; wanted: number },
  ): Promise<ShownPost[] | undefined> {
    const before = await this.state(readerId);
    const asked: Window = from ? beyond({}, from.key, direction) : {};
    const found: ShownPost[] = [];
    for await (const region of this.regions(readerId, before, { asked, direction, mode })) {
      let window: Window | undefined = region.window;
      for (
        let size = wanted - found.length;
        window && found.length < wanted;
        size = Math.max(wanted - found.length, REFILL)
      ) {
        const refs: PostRef[] = await this.refs(readerId, { ...region, window }, direction, size);
        const { posts, followed, reader } = await this.parts.rows.visiblePosts(readerId, refs);
        // The structure changed, so the references may be incomplete.
        if (!reader || reader.feed.version !== before.version) return undefined;
        for (const { key, authorId } of refs) {
          const post = posts.get(postIdOf(key));
          if (!post || post.deleted || !followed.has(authorId)) continue;
          const { contentHash: _, pushed: __, deleted: ___, ...shown } = post;
          found.push({ ...shown, unread: before.readMarker === undefined || key > before.readMarker });
        }
        const last = refs.at(-1);
        window = last && refs.length === size ? beyond(window, last.key, direction) : undefined;
      }
      if (found.length >= wanted) break;
    }
    return found;
  }

  /** Yields the periods of a feed in reading order, with the lists that are complete in each period. */
  private async *regions(
    readerId: string,
    { completeAfter }: FeedState,
    { asked, direction, mode }: { asked: Window; direction: FeedDirection; mode: FeedMode },
  ): AsyncGenerator<Region> {
    const { relations } = this.parts;
    const pulled = async (window: Window): Promise<Region> => ({
      window,
      authors: await relations.allFollowing(readerId),
      rows: false,
    });
    if (mode === 'pull') return yield await pulled(asked);
    const pushed = async (window: Window): Promise<Region> => ({
      window,
      authors: await relations.readTimeAuthors(readerId),
      rows: true,
    });
    if (completeAfter === undefined) return yield await pushed(asked);
    // A space sorts before every character of an id, so the border key itself belongs to the older period.
    const border = `${completeAfter} `;
    const above = { ...asked, after: higher(asked.after, completeAfter) };
    const below = { ...asked, before: asked.before !== undefined && asked.before < border ? asked.before : border };
    const isEmpty = ({ after, before }: Window) => after !== undefined && before !== undefined && after >= before;
    const parts = [...(isEmpty(above) ? [] : [() => pushed(above)]), ...(isEmpty(below) ? [] : [() => pulled(below)])];
    for (const part of direction === 'older' ? parts : parts.toReversed()) yield await part();
  }

  /** Reads the next references of a period from all its lists, and merges them. */
  private async refs(
    readerId: string,
    { window, authors, rows }: Region,
    direction: FeedDirection,
    limit: number,
  ): Promise<PostRef[]> {
    const part = { window, direction, limit };
    const [own, lists] = await Promise.all([
      rows ? this.parts.rows.part(readerId, part) : [],
      inLanes(authors, LANES, (authorId) => this.parts.posts.ofAuthor(authorId, window, direction, limit)),
    ]);
    return merged([own, ...lists], direction, limit);
  }

  /** Builds a page. `found` has one post more than wanted if there is a further page. */
  private page(
    readerId: string,
    found: ShownPost[],
    { from, direction, wanted }: { from: Position | undefined; direction: FeedDirection; wanted: number },
  ): FeedPage {
    const kept = found.slice(0, wanted);
    const items = direction === 'older' ? kept : kept.toReversed();
    const [newest, oldest] = [items[0], items.at(-1)];
    const depth = from?.depth ?? 0;
    if (!newest || !oldest) {
      // There is no post in this direction. A reader of newer posts can repeat the request later with the same cursor.
      const here = from && cursorOf(readerId, from);
      return {
        items,
        ...(here !== undefined && (direction === 'newer' ? { newer: here, older: here } : { newer: here })),
      };
    }
    const top = direction === 'older' ? depth : Math.max(0, depth - items.length);
    const bottom: Position = { key: keyOf(oldest), depth: top + items.length };
    const isLast = direction === 'older' && (found.length <= wanted || bottom.depth >= this.settings.cap);
    return {
      items,
      newer: cursorOf(readerId, { key: keyOf(newest), depth: top }),
      ...(!isLast && { older: cursorOf(readerId, bottom) }),
    };
  }

  private async state(userId: string): Promise<FeedState> {
    const user = (await this.parts.users.find([userId])).get(userId);
    if (!user)
      throw new LongwatchError('notFound', `There is no user ${userId}; create it with PUT /v1/users/${userId}`);
    return user.feed;
  }
}

const keyOf = ({ at, postId }: Post): string => timeKey(at, postId);
const higher = (one: string | undefined, other: string): string => (one !== undefined && one > other ? one : other);
/** Both directions and both modes show the same list, so a cursor of one is valid in the others. */
const feedOf = (readerId: string): List => ({ name: 'feed', of: { readerId } });
const cursorOf = (readerId: string, { key, depth }: Position): string =>
  toCursor(feedOf(readerId), { Key: key, Depth: depth }).cursor ?? '';

function position(readerId: string, cursor: string): Position {
  const { Key, Depth } = fromCursor(feedOf(readerId), cursor, { Key: 'text', Depth: 'integer' });
  return { key: Key, depth: Depth };
}
