import { z } from 'zod';
import { lineOf } from '../../domain/edge/schemas';
import { LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import type { Relations } from '../../operations/feeds/relations';
import type { RelationStore } from '../../stores/feeds/relations';
import type { FeedUser, FeedUserStore } from '../../stores/feeds/users';
import type { Page } from '../../stores/cursor';
import { type AnyRoute, route } from '../http/router';
import { cursorSchema, idSchema, limitSchema } from '../schemas';

/** What the routes of users and their relations need. */
export interface RelationParts {
  users: FeedUserStore;
  relations: RelationStore;
  changes: Relations;
}

const params = z.object({ userId: idSchema });
const pairParams = z.object({ userId: idSchema, otherId: idSchema });
const MAX_NAME = 100;

const userSchema = z.object({
  userId: z.string(),
  name: z.string(),
  followers: z.int(),
  following: z.int(),
  posts: z.int(),
  spread: z
    .enum(['push', 'rising', 'pull', 'falling'])
    .describe('How their posts reach followers: written into feeds, or merged at read time'),
});

/** Routes of users, follows and blocks. */
export function relationRoutes(parts: RelationParts): AnyRoute[] {
  return [
    putUser(parts),
    getUser(parts),
    putFollow(parts),
    deleteFollow(parts),
    putBlock(parts),
    deleteBlock(parts),
    list(parts, 'followers', 'Who follows a user'),
    list(parts, 'following', 'Whom a user follows'),
  ];
}

const shown = ({ userId, name, followers, following, posts, mode }: FeedUser) => ({
  userId,
  name,
  followers,
  following,
  posts,
  spread: mode,
});

async function userOf({ users }: RelationParts, userId: string): Promise<FeedUser> {
  const found = (await users.find([userId])).get(userId);
  if (!found) throw new LongwatchError('notFound', `User ${userId} not found. Create it with PUT /v1/users/${userId}`);
  return found;
}

const putUser = (parts: RelationParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/users/:userId',
    operationId: 'putUser',
    tag: 'feeds',
    loadClass: 'interactive',
    summary: 'Create a user, or change a user’s name',
    roles: ['service'],
    params,
    body: z.strictObject({ name: lineOf(1, MAX_NAME) }),
    responses: {
      200: { description: 'Changed', schema: userSchema },
      201: { description: 'Created', schema: userSchema },
    },
    handler: async ({ params: { userId }, body: { name } }) => {
      const isNew = await parts.users.put(userId, name);
      return { status: isNew ? 201 : 200, body: shown(await userOf(parts, userId)) };
    },
  });

const getUser = (parts: RelationParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/users/:userId',
    operationId: 'getUser',
    tag: 'feeds',
    loadClass: 'interactive',
    summary: 'A user, with the numbers of followers and followed users',
    roles: ['service'],
    params,
    responses: { 200: { description: 'The user', schema: userSchema }, 404: { description: 'User not found' } },
    handler: async ({ params: { userId } }) => ({ status: 200, body: shown(await userOf(parts, userId)) }),
  });

const putFollow = ({ changes }: RelationParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/users/:userId/following/:otherId',
    operationId: 'follow',
    tag: 'feeds',
    loadClass: 'interactive',
    summary: 'Follow a user; their latest posts are added to the feed in the background',
    roles: ['service'],
    params: pairParams,
    responses: {
      200: {
        description: 'Follows, perhaps since long',
        schema: z.object({ userId: z.string(), since: z.iso.datetime() }),
      },
      404: { description: 'One of the two users was not found' },
      409: { description: 'One of the two blocks the other, or the user follows too many' },
    },
    handler: async ({ params: { userId, otherId } }) => {
      const { since } = await changes.follow(userId, otherId);
      return { status: 200, body: { userId: otherId, since: iso(since) } };
    },
  });

const deleteFollow = ({ changes }: RelationParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/users/:userId/following/:otherId',
    operationId: 'unfollow',
    tag: 'feeds',
    loadClass: 'interactive',
    summary: 'Stop following a user; their posts leave the feed at once',
    roles: ['service'],
    params: pairParams,
    responses: {
      204: { description: 'Not following; the same for a repeated request' },
      404: { description: 'One of the two users was not found' },
    },
    handler: async ({ params: { userId, otherId } }) => {
      await changes.unfollow(userId, otherId);
      return { status: 204 };
    },
  });

const putBlock = ({ changes }: RelationParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/users/:userId/blocks/:otherId',
    operationId: 'block',
    tag: 'feeds',
    loadClass: 'interactive',
    summary: 'Block a user: neither follows the other, can follow again, or sees the other’s posts',
    roles: ['service'],
    params: pairParams,
    responses: { 204: { description: 'Blocked' }, 404: { description: 'One of the two users was not found' } },
    handler: async ({ params: { userId, otherId } }) => {
      await changes.block(userId, otherId);
      return { status: 204 };
    },
  });

const deleteBlock = ({ changes }: RelationParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/users/:userId/blocks/:otherId',
    operationId: 'unblock',
    tag: 'feeds',
    loadClass: 'interactive',
    summary: 'Remove a block; follows that the block ended are not restored',
    roles: ['service'],
    params: pairParams,
    responses: { 204: { description: 'Not blocked; the same for a repeated request' } },
    handler: async ({ params: { userId, otherId } }) => {
      await changes.unblock(userId, otherId);
      return { status: 204 };
    },
  });

const list = (parts: RelationParts, which: 'followers' | 'following', summary: string): AnyRoute =>
  route({
    method: 'get',
    path: `/v1/users/:userId/${which}`,
    operationId: which === 'followers' ? 'listFollowers' : 'listFollowing',
    tag: 'feeds',
    loadClass: 'bulk',
    summary,
    roles: ['service'],
    params,
    query: z.object({ cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: {
        description: 'A page',
        schema: z.object({
          items: z.array(z.object({ userId: z.string(), since: z.iso.datetime() })),
          cursor: z.string().optional(),
        }),
      },
      404: { description: 'User not found' },
    },
    handler: async ({ params: { userId }, query: { cursor, limit } }) => {
      await userOf(parts, userId);
      const page: Page<{ userId: string; since: number }> = await parts.relations[which](userId, { cursor, limit });
      return { status: 200, body: { ...page, items: page.items.map((item) => ({ ...item, since: iso(item.since) })) } };
    },
  });
