import { z } from 'zod';
import { iso } from '../../domain/ids';
import {
  type ReconciliationReport,
  type ReconciliationMode,
  reconciliationModes,
} from '../../domain/platform/reconciliation';
import type { RequestedReconciliation } from '../../operations/platform/reconciliation/requests';
import { type AnyRoute, route } from '../http/router';

/** What the routes of reconciliations need. */
export interface ReconciliationRouteParts {
  /** Starts a reconciliation, unless one of its mode already runs on request. @returns the workflow's id. */
  start(mode: ReconciliationMode): Promise<string>;
  /**
   * Returns the last requested reconciliation with its progress, and its result once it has ended; and the last
   * reconciliation of this mode that ended. These differ, because the reconciler also runs on its own and may end a
   * reconciliation after the requested one.
   */
  find(mode: ReconciliationMode): Promise<RequestedReconciliation>;
}

const adminRoles = ['admin'] as const;
const modeSchema = z
  .enum(reconciliationModes)
  .describe(
    'quick: checks workflows that ended abnormally since the last reconciliation, standing workflows ' +
      'and open cases; full: compares every open row with the running workflows',
  );
const count = z.int().min(0);

const reportSchema = z.object({
  checked: count.describe('Open rows, abnormally ended workflows and standing workflows that were checked'),
  checkedByType: z.record(z.string(), count).optional().describe('The same by workflow type'),
  restarted: z.record(z.string(), count).describe('Workflows that were restarted, by workflow type'),
  terminated: count.describe('Workflows that were terminated because the lifecycle of their row had ended'),
  postponed: count.describe('Workflows that were postponed to a later reconciliation'),
});
const lookSchema = reportSchema.extend({ startedAt: z.iso.datetime(), finishedAt: z.iso.datetime() });

/** Routes with which an operator starts a reconciliation and reads its result. */
export function reconciliationRoutes(parts: ReconciliationRouteParts): AnyRoute[] {
  return [startReconciliation(parts), getReconciliation(parts)];
}

const startReconciliation = ({ start }: ReconciliationRouteParts): AnyRoute =>
  route({
    method: 'post',
    path: '/v1/reconciliations',
    operationId: 'startReconciliation',
    tag: 'platform',
    loadClass: 'bulk',
    summary: 'Compare rows with workflows now and restart lost workflows; in the background',
    roles: adminRoles,
    body: z.strictObject({ mode: modeSchema }),
    responses: {
      202: {
        description: 'Started; GET /v1/reconciliations/{mode} returns its result',
        schema: z.object({ workflowId: z.string() }),
      },
      503: { description: 'Temporal is unavailable; nothing was started' },
    },
    handler: async ({ body: { mode } }) => ({ status: 202, body: { workflowId: await start(mode) } }),
  });

const getReconciliation = ({ find }: ReconciliationRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/reconciliations/:mode',
    operationId: 'getReconciliation',
    tag: 'platform',
    loadClass: 'bulk',
    summary: 'State and result of the last requested reconciliation',
    roles: adminRoles,
    params: z.object({ mode: modeSchema }),
    responses: {
      200: {
        description: 'The reconciliation',
        schema: z.object({
          workflowId: z.string(),
          status: z.enum(['running', 'ended', 'none']),
          progress: reportSchema.optional().describe('Progress of the running reconciliation; a minute old at most'),
          asked: lookSchema.optional().describe('Result of the last requested reconciliation, once it has ended'),
          lastLook: lookSchema.optional().describe('The last reconciliation that ended, requested or scheduled'),
        }),
      },
      503: { description: 'Temporal or DynamoDB is unavailable' },
    },
    handler: async ({ params: { mode } }) => {
      const { asked, lastLook, ...found } = await find(mode);
      return {
        status: 200,
        body: {
          ...found,
          ...(asked && { asked: shownLook(asked) }),
          ...(lastLook && { lastLook: shownLook(lastLook) }),
        },
      };
    },
  });

function shownLook({
  startedAt,
  finishedAt,
  checked,
  checkedByType,
  restarted,
  terminated,
  postponed,
}: ReconciliationReport): z.infer<typeof lookSchema> {
  return {
    startedAt: iso(startedAt),
    finishedAt: iso(finishedAt),
    checked,
    ...(checkedByType && { checkedByType }),
    restarted,
    terminated,
    postponed,
  };
}
