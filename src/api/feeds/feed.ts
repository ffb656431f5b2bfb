import { z } from 'zod';
import { defined } from '../../domain/defined';
import { wholeTextOf } from '../../domain/edge/schemas';
import { type FeedPage, type Feeds, MAX_UNREAD } from '../../operations/feeds/feed';
import { postSchema, shownPost } from './posts';
import { type AnyRoute, route } from '../http/router';
import { cursorSchema, idSchema } from '../schemas';

/** What the routes of feeds need. */
export interface FeedRouteParts {
  feeds: Feeds;
}

const params = z.object({ userId: idSchema });
const MAX_LIMIT = 100;

const pageSchema = z.object({
  items: z.array(postSchema.extend({ unread: z.boolean().describe('Newer than the read marker') })),
  older: z.string().optional().describe('Cursor of what is older; absent at the end'),
  newer: z.string().optional().describe('Cursor of what is newer, now or later'),
});

/** Routes that read a user's feed and set its read marker. */
export function feedRoutes(parts: FeedRouteParts): AnyRoute[] {
  return [getFeed(parts), getUnread(parts), putReadMarker(parts)];
}

const shown = ({ items, ...cursors }: FeedPage) => ({
  items: items.map((post) => ({ ...shownPost(post), unread: post.unread })),
  ...cursors,
});

const getFeed = ({ feeds }: FeedRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/users/:userId/feed',
    operationId: 'getFeed',
    tag: 'feeds',
    loadClass: 'bulk',
    summary: 'Posts of the users that a user follows, newest first',
    roles: ['service'],
    params,
    query: z.object({
      cursor: cursorSchema,
      direction: z.enum(['older', 'newer'], 'must be older or newer').optional(),
      limit: wholeTextOf(1, MAX_LIMIT).optional(),
      mode: z
        .enum(['push', 'pull'], 'must be push or pull')
        .optional()
        .describe('pull: from the lists of all authors, without what was written into the feed'),
    }),
    responses: { 200: { description: 'A page', schema: pageSchema }, 404: { description: 'User not found' } },
    handler: async ({ params: { userId }, query: { cursor, direction, limit, mode } }) => {
      const page = await feeds.read(userId, defined({ cursor, direction, limit, mode }));
      return { status: 200, body: shown(page) };
    },
  });

const getUnread = ({ feeds }: FeedRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/users/:userId/feed/unread',
    operationId: 'countUnread',
    tag: 'feeds',
    loadClass: 'interactive',
    summary: `Posts of a feed that are newer than its read marker, counted up to ${MAX_UNREAD}`,
    roles: ['service'],
    params,
    responses: {
      200: {
        description: 'The count; `more` is true if there are more',
        schema: z.object({ count: z.int(), more: z.boolean() }),
      },
      404: { description: 'User not found' },
    },
    handler: async ({ params: { userId } }) => ({ status: 200, body: await feeds.unread(userId) }),
  });

const putReadMarker = ({ feeds }: FeedRouteParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/users/:userId/feed/read-marker',
    operationId: 'putReadMarker',
    tag: 'feeds',
    loadClass: 'interactive',
    summary: 'Mark a post and all older ones as read; the marker never moves back',
    roles: ['service'],
    params,
    body: z.strictObject({ postId: idSchema }),
    responses: {
      200: { description: 'The current read marker', schema: z.object({ postId: z.string() }) },
      404: { description: 'User or post not found' },
    },
    handler: async ({ params: { userId }, body: { postId } }) => ({
      status: 200,
      body: await feeds.moveReadMarker(userId, postId),
    }),
  });
