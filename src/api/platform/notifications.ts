import { z } from 'zod';
import { lineOf } from '../../domain/edge/schemas';
import { iso } from '../../domain/ids';
import type { NotificationStore } from '../../stores/platform/notifications';
import { type AnyRoute, route } from '../http/router';
import { cursorSchema, limitSchema } from '../schemas';

const caseRoles = ['investigator', 'supervisor'] as const;

/** Route that lists the notifications sent to a recipient. */
export function notificationRoutes({ notifications }: { notifications: NotificationStore }): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/notifications',
      operationId: 'listNotifications',
      tag: 'platform',
      loadClass: 'interactive',
      summary: 'Notifications sent to a recipient, newest first',
      roles: caseRoles,
      query: z.object({ recipient: lineOf(1, 100), cursor: cursorSchema, limit: limitSchema }),
      responses: {
        200: {
          description: 'A page',
          schema: z.object({ items: z.array(z.looseObject({ id: z.string() })), cursor: z.string().optional() }),
        },
      },
      handler: async ({ query: { recipient, cursor, limit } }) => {
        const page = await notifications.list(recipient, { cursor, limit });
        return { status: 200, body: { ...page, items: page.items.map((item) => ({ ...item, at: iso(item.at) })) } };
      },
    }),
  ];
}
