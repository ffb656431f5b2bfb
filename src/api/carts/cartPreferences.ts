import { z } from 'zod';
import { defined } from '../../domain/defined';
import { line, lineOf } from '../../domain/edge/schemas';
import { type CartPreferences, formatQuietHours, parseQuietHours } from '../../domain/carts/preferences';
import { isTimeZone } from '../../domain/timeZones';
import type { CartStore } from '../../stores/carts/carts';
import { cartRoles, mustBeOwn } from './cartAccess';
import { type AnyRoute, route } from '../http/router';
import { idSchema } from '../schemas';

/** What the routes of the reminder preferences need. */
export interface CartPreferenceParts {
  store: CartStore;
}

const userParams = z.object({ userId: idSchema });
const preferencesSchema = z.object({
  reminders: z.boolean(),
  timeZone: z.string(),
  recipient: z.string().optional(),
  quietHours: z.string().optional(),
});

/** Routes of a user's reminder preferences. */
export function cartPreferenceRoutes(parts: CartPreferenceParts): AnyRoute[] {
  return [getPreferences(parts), putPreferences(parts)];
}

const shown = ({ quietHours, ...preferences }: CartPreferences): z.input<typeof preferencesSchema> => ({
  ...preferences,
  ...(quietHours !== undefined && { quietHours: formatQuietHours(quietHours) }),
});

const getPreferences = ({ store }: CartPreferenceParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/carts/:userId/preferences',
    operationId: 'getCartPreferences',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'Reminder preferences of a user',
    roles: cartRoles,
    params: userParams,
    responses: { 200: { description: 'The preferences', schema: preferencesSchema } },
    handler: async ({ params: { userId }, caller }) => {
      mustBeOwn(caller, userId);
      return { status: 200, body: shown(await store.preferences(userId)) };
    },
  });

const putPreferences = ({ store }: CartPreferenceParts): AnyRoute =>
  route({
    method: 'put',
    path: '/v1/carts/:userId/preferences',
    operationId: 'putCartPreferences',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'Set a user’s reminder preferences; they apply from the next reminder on',
    roles: cartRoles,
    params: userParams,
    body: z.strictObject({
      reminders: z.boolean('must be true or false').default(true),
      timeZone: line('must be a time zone of the IANA database, like Europe/Berlin')
        .refine(isTimeZone, 'must be a time zone of the IANA database, like Europe/Berlin')
        .default('UTC'),
      recipient: lineOf(1, 100).optional(),
      quietHours: line('must be like 21:00-08:00, or "none"')
        .refine((text) => parseQuietHours(text) !== undefined, 'must be like 21:00-08:00, or "none"')
        .optional(),
    }),
    responses: { 200: { description: 'The preferences', schema: preferencesSchema } },
    handler: async ({ params: { userId }, body: { quietHours: hours, recipient, ...body }, caller }) => {
      mustBeOwn(caller, userId);
      const quietHours = hours === undefined ? undefined : parseQuietHours(hours);
      const preferences: CartPreferences = {
        ...body,
        ...defined({ recipient, quietHours }),
      };
      await store.putPreferences(userId, preferences);
      return { status: 200, body: shown(preferences) };
    },
  });
