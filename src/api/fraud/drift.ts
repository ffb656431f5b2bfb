import { z } from 'zod';
import { wholeTextOf } from '../../domain/edge/schemas';
import type { DriftWatch } from '../../operations/fraud/driftWatch';
import { type AnyRoute, route } from '../http/router';

/** What the route of drift needs. */
export interface DriftRouteParts {
  driftWatch: DriftWatch;
}

const MAX_DAYS = 90;

/** Route that reports whether the model's inputs have drifted from its training data. */
export function driftRoutes({ driftWatch }: DriftRouteParts): AnyRoute[] {
  return [
    route({
      method: 'get',
      path: '/v1/drift',
      operationId: 'getDrift',
      tag: 'fraud',
      loadClass: 'interactive',
      summary:
        'How far features and scores of the last days have moved from where the model was trained (population ' +
        'stability index)',
      roles: ['investigator', 'supervisor'],
      query: z.object({ days: wholeTextOf(1, MAX_DAYS).default(7) }),
      responses: {
        200: {
          description:
            'Each model that decided payments and has a baseline; without drifts while there are too few ' +
            'decisions',
          schema: z.object({
            models: z.array(
              z.object({
                modelVersion: z.string(),
                from: z.string(),
                to: z.string(),
                rows: z.int(),
                drifts: z.array(
                  z.object({ name: z.string(), psi: z.number(), status: z.enum(['stable', 'shifting', 'shifted']) }),
                ),
              }),
            ),
          }),
        },
      },
      handler: async ({ query: { days } }) => ({ status: 200, body: { models: await driftWatch.report(days) } }),
    }),
  ];
}
