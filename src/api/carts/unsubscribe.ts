import { z } from 'zod';
import { lineOf } from '../../domain/edge/schemas';
import type { CartStore } from '../../stores/carts/carts';
import { type AnyRoute, route } from '../http/router';
import { escaped, htmlPage, page } from '../http/page';
import { type Clock, systemClock } from '../../timing/clock';

/** What the routes of the unsubscribe page need. */
export interface UnsubscribeParts {
  store: CartStore;
  /** Opens signed links; see gateways/carts/unsubscribeLinks.ts. */
  links: { open(token: string, now: number): { userId: string } };
  clock?: Clock;
}

const tokenParams = z.object({ token: lineOf(1, 400) });

/** Routes of the page that reminders link to, on which a customer stops them. */
export function unsubscribeRoutes(parts: UnsubscribeParts): AnyRoute[] {
  return [showUnsubscribe(parts), unsubscribe(parts)];
}

const showUnsubscribe = ({ links, clock = systemClock }: UnsubscribeParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/unsubscribe/:token',
    operationId: 'showUnsubscribe',
    tag: 'carts',
    loadClass: 'interactive',
    // A GET must not unsubscribe: mail programs and virus scanners open links too.
    summary: 'Page on which a customer unsubscribes from reminders',
    roles: 'public',
    isPage: true,
    params: tokenParams,
    responses: {
      200: { description: 'The page', contentType: 'text/html' },
      404: { description: 'The link is not valid' },
      409: { description: 'The link has expired' },
    },
    handler: async ({ params: { token } }) => {
      const { userId } = links.open(token, clock.now());
      return {
        status: 200,
        ...htmlPage(
          page(
            'Stop reminders?',
            `<p>For <strong>${escaped(userId)}</strong>.</p>\n<form method="post">\n<button>Do not remind me of ` +
              'my cart</button>\n</form>',
          ),
        ),
      };
    },
  });

const unsubscribe = ({ links, store, clock = systemClock }: UnsubscribeParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/unsubscribe/:token',
    operationId: 'unsubscribe',
    tag: 'carts',
    loadClass: 'interactive',
    summary: 'Unsubscribe a customer from reminders',
    roles: 'public',
    isPage: true,
    params: tokenParams,
    responses: {
      200: { description: 'Unsubscribed; the same for a repeated request', contentType: 'text/html' },
      404: { description: 'The link is not valid' },
      409: { description: 'The link has expired' },
    },
    handler: async ({ params: { token } }) => {
      const { userId } = links.open(token, clock.now());
      await store.unsubscribe(userId);
      return { status: 200, ...htmlPage(page('Done', '<p>You will receive no more reminders about your cart.</p>')) };
    },
  });
