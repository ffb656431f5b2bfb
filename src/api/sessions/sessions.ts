import { z } from 'zod';
import { defined } from '../../domain/defined';
import { freeJson, line, lineOf } from '../../domain/edge/schemas';
import { LongwatchError } from '../../domain/errors';
import { iso } from '../../domain/ids';
import type { SessionHead } from '../../domain/sessions/session';
import type { UserSessions } from '../../stores/sessions/userSessions';
import type { BrowserSession } from './browserSession';
import type { SessionFrame } from './sessionFrame';
import { Problem } from '../http/problem';
import { type AnyRoute, route } from '../http/router';
import { cursorSchema, idSchema, limitSchema } from '../schemas';

/** What the routes of sessions need. */
export interface SessionParts {
  frame: SessionFrame;
  users: UserSessions;
}

const handleSchema = line('must be the handle of a session').regex(
  /^[A-Za-z0-9_-]{10,40}$/,
  'must be the handle of a session',
);
const dataSchema = freeJson(100);
const textSchema = lineOf(1, 100);
const userParams = z.object({ userId: idSchema });

const sessionSchema = z.object({
  handle: z.string(),
  userId: z.string().optional(),
  device: z.string().optional(),
  place: z.string().optional(),
  createdAt: z.iso.datetime(),
  lastSeenAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  absoluteExpiresAt: z.iso.datetime(),
});
const currentSchema = sessionSchema.extend({ data: dataSchema });

/**
 * Routes of browser sessions: a back end opens them, a cookie identifies them, and they are listed and ended by user.
 */
export function sessionRoutes(parts: SessionParts): AnyRoute[] {
  return [
    openSession(parts),
    getCurrent(parts),
    changeCurrent(parts),
    endCurrent(parts),
    listSessions(parts),
    endSessions(parts),
    endSession(parts),
  ];
}

function shown({ handle, userId, device, place, createdAt, lastSeenAt, expiresAt, absoluteExpiresAt }: SessionHead) {
  return {
    handle,
    userId,
    device,
    place,
    createdAt: iso(createdAt),
    lastSeenAt: iso(lastSeenAt),
    expiresAt: iso(expiresAt),
    absoluteExpiresAt: iso(absoluteExpiresAt),
  };
}

/** Returns the live session. @throws Problem 401 without one. */
function live(session: BrowserSession | undefined): { session: BrowserSession; head: SessionHead } {
  const head = session?.head;
  if (!session || !head) throw new Problem(401, 'No session: the cookie is missing, or its session has ended');
  return { session, head };
}

const openSession = ({ frame }: SessionParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/sessions',
    operationId: 'openSession',
    tag: 'sessions',
    loadClass: 'interactive',
    summary: 'Open a session for a user whom the caller has authenticated; Set-Cookie is for the user’s browser',
    roles: ['service'],
    session: frame,
    body: z.strictObject({
      userId: idSchema,
      device: textSchema.optional(),
      place: textSchema.optional(),
      data: dataSchema.optional(),
    }),
    responses: { 201: { description: 'The session; `Set-Cookie` contains its cookie', schema: currentSchema } },
    handler: async ({ body: { data = {}, userId, device, place }, session }) => {
      await session?.open({ userId, ...defined({ device, place }) }, data);
      const { head, session: opened } = live(session);
      return {
        status: 201,
        body: { ...shown(head), data: opened.data },
        headers: { location: '/v1/sessions/current' },
      };
    },
  });

const getCurrent = ({ frame }: SessionParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/sessions/current',
    operationId: 'getSession',
    tag: 'sessions',
    loadClass: 'interactive',
    summary: 'The session of the cookie; reading it extends it',
    roles: 'public',
    session: frame,
    responses: {
      200: { description: 'The session', schema: currentSchema },
      401: { description: 'No session: the cookie is missing, or the session has ended' },
    },
    handler: async (input) => {
      const { session, head } = live(input.session);
      return { status: 200, body: { ...shown(head), data: session.data } };
    },
  });

const changeCurrent = ({ frame }: SessionParts): AnyRoute =>
  route({
    method: 'patch',
    path: '/v1/sessions/current',
    operationId: 'changeSession',
    tag: 'sessions',
    loadClass: 'interactive',
    // Not allowed with the cookie alone: its holder could write data that the back end trusts.
    summary: 'Merge data into the session of the cookie; with privilegeChanged its id is rotated as well',
    roles: ['service'],
    session: frame,
    body: z.strictObject({ data: dataSchema.optional(), privilegeChanged: z.boolean().optional() }),
    responses: {
      200: { description: 'The session; with `Set-Cookie` if its id was rotated', schema: currentSchema },
      401: { description: 'No session: the cookie is missing, or the session has ended. Nothing was changed' },
    },
    handler: async ({ body: { data = {}, privilegeChanged = false }, session: given }) => {
      const { session } = live(given);
      await session.change(data, privilegeChanged);
      const { head } = live(session);
      return { status: 200, body: { ...shown(head), data: session.data } };
    },
  });

const endCurrent = ({ frame }: SessionParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/sessions/current',
    operationId: 'endSession',
    tag: 'sessions',
    loadClass: 'interactive',
    summary: 'Log out; without a session this does nothing',
    roles: 'public',
    session: frame,
    responses: { 204: { description: 'The session has ended; `Set-Cookie` deletes the cookie' } },
    handler: async ({ session }) => {
      await session?.end();
      return { status: 204, headers: defined({ 'set-cookie': session?.clearingCookie }) };
    },
  });

const listSessions = ({ frame, users }: SessionParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/users/:userId/sessions',
    operationId: 'listSessions',
    tag: 'sessions',
    loadClass: 'interactive',
    summary: 'Sessions of a user, newest first; `current` marks the session of the cookie, if one is sent',
    roles: ['service'],
    session: frame,
    params: userParams,
    query: z.object({ cursor: cursorSchema, limit: limitSchema }),
    responses: {
      200: {
        description: 'A page',
        schema: z.object({
          items: z.array(sessionSchema.extend({ current: z.boolean() })),
          cursor: z.string().optional(),
        }),
      },
    },
    handler: async ({ params: { userId }, query: { cursor, limit }, session }) => {
      const page = await users.list(userId, { cursor, limit });
      const current = session?.head?.handle;
      return {
        status: 200,
        body: {
          items: page.items.map((head) => ({ ...shown(head), current: head.handle === current })),
          ...(page.cursor && { cursor: page.cursor }),
        },
      };
    },
  });

const endSessions = ({ users }: SessionParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/users/:userId/sessions',
    operationId: 'endSessions',
    tag: 'sessions',
    loadClass: 'interactive',
    summary: 'Log a user out everywhere: when the response arrives, no earlier session works',
    roles: ['service'],
    params: userParams,
    query: z.object({ keep: handleSchema.optional() }),
    responses: { 200: { description: 'The number of sessions that were ended', schema: z.object({ ended: z.int() }) } },
    handler: async ({ params: { userId }, query: { keep } }) => ({
      status: 200,
      body: { ended: await users.endAll(userId, keep) },
    }),
  });

const endSession = ({ users }: SessionParts): AnyRoute =>
  route({
    method: 'delete',
    path: '/v1/users/:userId/sessions/:handle',
    operationId: 'endOneSession',
    tag: 'sessions',
    loadClass: 'interactive',
    summary: 'End one session of a user by its handle',
    roles: ['service'],
    params: userParams.extend({ handle: handleSchema }),
    responses: {
      204: { description: 'The session has ended' },
      404: { description: 'The user has no live session with this handle' },
    },
    handler: async ({ params: { userId, handle } }) => {
      if (!(await users.end(userId, handle)))
        throw new LongwatchError('notFound', `User ${userId} has no live session ${handle}`);
      return { status: 204 };
    },
  });
