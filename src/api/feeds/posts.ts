import { z } from 'zod';
import { defined } from '../../domain/defined';
import type { Post } from '../../domain/feeds/post';
import { mediaSchema, textSchema } from '../../domain/feeds/postSchema';
import { iso } from '../../domain/ids';
import type { Posts } from '../../operations/feeds/posts';
import { fromCursor, type List, toCursor } from '../../stores/cursor';
import type { PostStore } from '../../stores/feeds/posts';
import { ifMatchHeader, versionOf } from '../http/ifMatch';
import { type AnyRoute, route } from '../http/router';
import { cursorSchema, idSchema, limitSchema } from '../schemas';

/** What the routes of posts need. */
export interface PostParts {
  posts: Posts;
  store: PostStore;
}

const params = z.object({ id: idSchema });
const DEFAULT_LIMIT = 20;
/** Bytes of a post with MAX_TEXT characters and MAX_MEDIA links, in their longest JSON form. */
const BODY_LIMIT = 128 * 1024;

/** Schema of a post. */
export const postSchema = z.object({
  postId: z.string(),
  authorId: z.string(),
  text: z.string(),
  media: z.array(z.string()),
  replyTo: z.string().optional(),
  postedAt: z.iso.datetime(),
  editedAt: z.iso.datetime().optional(),
  version: z.int(),
});

/** Routes that create, read, edit, delete and list posts. */
export function postRoutes(parts: PostParts): AnyRoute[] {
  return [createPost(parts), getPost(parts), editPost(parts), deletePost(parts), listPosts(parts)];
}

/** Converts a post to its JSON form. */
export function shownPost({ postId, authorId, text, media, replyTo, at, editedAt, version }: Post) {
  return {
    postId,
    authorId,
    text,
    media,
    ...defined({ replyTo }),
    postedAt: iso(at),
    ...(editedAt !== undefined && { editedAt: iso(editedAt) }),
    version,
  };
}

const etag = ({ version }: Post): Record<string, string> => ({ etag: `"${version}"` });

const createPost = ({ posts }: PostParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/posts',
    operationId: 'createPost',
    tag: 'feeds',
    loadClass: 'bulk',
    summary: 'Create a post, once for each postId or Idempotency-Key of the author',
    roles: ['service'],
    body: z.strictObject({
      authorId: idSchema,
      postId: idSchema.optional(),
      text: textSchema,
      media: mediaSchema.default([]),
      replyTo: idSchema.optional(),
    }),
    bodyLimit: BODY_LIMIT,
    headers: [
      {
        name: 'Idempotency-Key',
        required: false,
        description: 'Idempotency key, used if no postId is given: repeated requests with the same key create one post',
      },
    ],
    responses: {
      200: { description: 'The post already exists', schema: postSchema },
      201: { description: 'Created', schema: postSchema },
      404: { description: 'Author not found, or the post to reply to not found' },
      409: { description: 'The id belongs to another post, or to a deleted one' },
    },
    handler: async ({ body: { postId, replyTo, ...content }, header }) => {
      const idempotencyKey = header('idempotency-key');
      const { post, created } = await posts.create({
        ...content,
        ...defined({ postId, replyTo, idempotencyKey }),
      });
      return {
        status: created ? 201 : 200,
        body: shownPost(post),
        headers: { ...etag(post), location: `/v1/posts/${post.postId}` },
      };
    },
  });

const getPost = ({ posts }: PostParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/posts/:id',
    operationId: 'getPost',
    tag: 'feeds',
    loadClass: 'interactive',
    summary: 'A post; with `reader`, only if neither of reader and author blocks the other',
    roles: ['service'],
    params,
    query: z.object({ reader: idSchema.optional() }),
    responses: {
      200: { description: 'The post', schema: postSchema },
      404: { description: 'Post not found, or not visible to this reader' },
    },
    handler: async ({ params: { id }, query: { reader } }) => {
      const post = reader === undefined ? await posts.find(id) : await posts.findFor(id, reader);
      return { status: 200, body: shownPost(post), headers: etag(post) };
    },
  });

const editPost = ({ posts }: PostParts): AnyRoute =>
  route({
    method: 'patch',
    path: '/v1/posts/:id',
    operationId: 'editPost',
    tag: 'feeds',
    loadClass: 'interactive',
    summary: 'Change a post’s text; every feed shows the new text at once',
    roles: ['service'],
    params,
    body: z
      .strictObject({ text: textSchema.optional(), media: mediaSchema.optional() })
      .refine(({ text, media }) => text !== undefined || media !== undefined, 'must have text, media or both'),
    bodyLimit: BODY_LIMIT,
    headers: [{ ...ifMatchHeader, required: false }],
    responses: {
      200: { description: 'The changed post', schema: postSchema },
      404: { description: 'Post not found' },
      412: { description: 'The post has another version than If-Match names' },
    },
    handler: async ({ params: { id }, body: { text, media }, header }) => {
      const ifMatch = header('if-match');
      const change = defined({ text, media });
      const post = await posts.edit(id, change, ifMatch === undefined ? undefined : versionOf(ifMatch));
      return { status: 200, body: shownPost(post), headers: etag(post) };
    },
  });

const deletePost = ({ posts }: PostParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/posts/:id',
    operationId: 'deletePost',
    tag: 'feeds',
    loadClass: 'interactive',
    summary: 'Delete a post; no feed shows it from then on',
    roles: ['service'],
    params,
    responses: {
      204: { description: 'Deleted; the same for a repeated request' },
      404: { description: 'There was never such a post' },
    },
    handler: async ({ params: { id } }) => {
      await posts.remove(id);
      return { status: 204 };
    },
  });

const postsOf = (userId: string): List => ({ name: 'posts', of: { userId } });

const listPosts = ({ posts, store }: PostParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/users/:userId/posts',
    operationId: 'listPosts',
    tag: 'feeds',
    loadClass: 'bulk',
    summary: 'Posts of a user, newest first',
    roles: ['service'],
    params: z.object({ userId: idSchema }),
    query: z.object({ reader: idSchema.optional(), cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: { description: 'A page', schema: z.object({ items: z.array(postSchema), cursor: z.string().optional() }) },
      404: { description: 'User not found, or not visible to this reader' },
    },
    handler: async ({ params: { userId }, query: { reader, cursor, limit = DEFAULT_LIMIT } }) => {
      await posts.mayRead(userId, reader);
      const before = cursor === undefined ? undefined : fromCursor(postsOf(userId), cursor, { Key: 'text' }).Key;
      const refs = await store.ofAuthor(userId, before === undefined ? {} : { before }, 'older', limit + 1);
      const items = await store.findAll(refs.slice(0, limit));
      const last = refs[limit - 1];
      return {
        status: 200,
        body: {
          items: items.map(shownPost),
          ...(refs.length > limit && last && toCursor(postsOf(userId), { Key: last.key })),
        },
      };
    },
  });
