import { compositeKey, iso } from '../ids';

/** In characters as a person counts them (code points), like MAX_LINK. */
export const MAX_TEXT = 2_000;
export const MAX_MEDIA = 10;
export const MAX_LINK = 2_000;

/** What an author says. */
export interface PostContent {
  text: string;
  /** Links to pictures and the like. */
  media: readonly string[];
  /** The post that it answers. */
  replyTo?: string;
}

export interface Post extends PostContent {
  postId: string;
  authorId: string;
  /** Epoch ms. */
  at: number;
  /** 1, and one more with every edit. */
  version: number;
  /** Epoch ms of the last edit. */
  editedAt?: number;
}

/** A post by its place; all that lists and feeds hold of it, so that an edit reaches them by itself. */
export interface PostRef {
  /** See {@link timeKey}. */
  key: string;
  authorId: string;
}

/**
 * The place of a post in every list: the order of these texts is the order of time, and of ids where times are equal.
 */
export function timeKey(at: number, postId: string): string {
  return compositeKey(iso(at), postId);
}

export function postIdOf(key: string): string {
  return key.slice(key.indexOf('#') + 1);
}

/** Epoch ms. */
export function timeOf(key: string): number {
  return Date.parse(key.slice(0, key.indexOf('#')));
}
