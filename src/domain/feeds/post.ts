import { compositeKey, iso } from '../ids';
import { type AuthorState, pushes } from './author';

/** Maximum length of a post, in code points. */
export const MAX_TEXT = 2_000;
/** Maximum number of links of a post. */
export const MAX_MEDIA = 10;
/** Maximum length of a link, in code points. */
export const MAX_LINK = 2_000;

/** The content of a post. */
export interface PostContent {
  text: string;
  /** Links to pictures and other media. */
  media: readonly string[];
  /** The id of the post that it answers. */
  replyTo?: string;
}

/** A post of an author. */
export interface Post extends PostContent {
  postId: string;
  authorId: string;
  /** Epoch ms. */
  at: number;
  /** 1, incremented with every edit. */
  version: number;
  /** Epoch ms of the last edit. */
  editedAt?: number;
}

/** A reference to a post. Lists and feeds store only references, so an edit needs no writes to them. */
export interface PostRef {
  /** See {@link timeKey}. */
  key: string;
  authorId: string;
}

/**
 * Returns the key of a post in every list. Keys sort by time, and by id if the times are equal.
 * @param at epoch ms.
 */
export function timeKey(at: number, postId: string): string {
  return compositeKey(iso(at), postId);
}

/** Returns the post id of a key made by {@link timeKey}. */
export function postIdOf(key: string): string {
  return key.slice(key.indexOf('#') + 1);
}

/** Returns the time of a key made by {@link timeKey}, epoch ms. */
export function timeOf(key: string): number {
  return Date.parse(key.slice(0, key.indexOf('#')));
}

/** Returns whether feeds may contain a post, so that deleting the post must remove it from them. */
export function mayLieInFeeds(post: { at: number; pushed: boolean }, author: AuthorState): boolean {
  // A post that was not pushed can be in feeds only if they were filled from the author's list, which does not happen
  // in mode `pull`.
  return post.pushed || pushes(author) || (author.risenAt !== undefined && post.at <= author.risenAt);
}
