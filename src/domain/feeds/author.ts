/**
 * How an author's posts reach the followers' feeds.
 *
 *     push ──rising──▶ pull ──falling──▶ push
 *
 * `push` is fan-out on write: each post is written into every follower's feed. `pull` is fan-out on read: each follower
 * has a mark for the author, and the feed reads the posts from the author's own list. During the change both happen.
 * While `rising`, posts are still pushed until every follower has a mark. While `falling`, posts are pushed again, and
 * a follower's mark is removed once the feed contains the posts that it stood for.
 */
export type Mode = 'push' | 'rising' | 'pull' | 'falling';

/** The direction of a mode change, which the workflow `turn` makes. */
export type Direction = 'rising' | 'falling';

/** The delivery state of an author. */
export interface AuthorState {
  mode: Mode;
  /** Incremented with every mode change. */
  modeVersion: number;
  followers: number;
  /** Epoch ms of the beginning of the last `rising` mode change; absent before the first. */
  risenAt?: number;
}

/** Returns whether a new post of the author is written into feeds. */
export const pushes = ({ mode }: Pick<AuthorState, 'mode'>): boolean => mode !== 'pull';

/** Returns whether a new follower gets a mark. Otherwise the author's latest posts are written into the feed. */
export const marksFollowers = ({ mode }: Pick<AuthorState, 'mode'>): boolean => mode === 'rising' || mode === 'pull';
