/**
 * How an author's posts reach their followers.
 *
 *     push ──rising──▶ pull ──falling──▶ push
 *
 * `push`: each post is written into every follower's feed. `pull`: it is not; followers carry a mark by which their
 * feed reads the author's own list. Between the two, both: while `rising`, posts are still pushed until every follower
 * has a mark; while `falling`, they are pushed again, and a mark goes once the follower's feed holds what it stood for.
 */
export type Mode = 'push' | 'rising' | 'pull' | 'falling';

/** A change from one mode to the other, as a workflow carries it out. */
export type Direction = 'rising' | 'falling';

export interface AuthorState {
  mode: Mode;
  /** Goes up with every turn. */
  modeVersion: number;
  followers: number;
  /** When the last rise began, epoch ms; absent before the first. */
  risenAt?: number;
}

/**
 * An author falls below this share of the threshold, so that one follower more or less does not turn them back and
 * forth.
 */
const FALLS_AT = 0.8;

/** Whether a post is written into feeds. */
export const pushes = ({ mode }: Pick<AuthorState, 'mode'>): boolean => mode !== 'pull';

/** Whether who follows now gets a mark; who does not gets the latest posts written into their feed. */
export const marksFollowers = ({ mode }: Pick<AuthorState, 'mode'>): boolean => mode === 'rising' || mode === 'pull';

/** The turn that an author's number of followers makes necessary. One at a time: the one before must be over. */
export function turnOf(
  { mode, followers }: Pick<AuthorState, 'mode' | 'followers'>,
  threshold: number,
): Direction | undefined {
  if (mode === 'push' && followers > threshold) return 'rising';
  if (mode === 'pull' && followers < threshold * FALLS_AT) return 'falling';
  return undefined;
}

/** Whether a post may lie in feeds, of which a delete must remove it. */
export function mayLieInFeeds(post: { at: number; pushed: boolean }, author: AuthorState): boolean {
  // A post that was not pushed is in feeds only if they were filled from the author's list, which a pulled author's are
  // not.
  return post.pushed || pushes(author) || (author.risenAt !== undefined && post.at <= author.risenAt);
}
