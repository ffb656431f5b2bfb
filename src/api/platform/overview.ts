import { z } from 'zod';
import { defined } from '../../domain/defined';
import { type Tone, tones } from '../../domain/platform/happening';
import { iso } from '../../domain/ids';
import { reconciliationModes } from '../../domain/platform/reconciliation';
import type { SharedResult } from '../../operations/platform/overview/sharedRead';
import type { Overview, Snapshot } from '../../operations/platform/overview/overview';
import type { RecentEvent, RecentEvents } from '../../operations/platform/overview/recentEvents';
import { eventStream, type EventStreams } from './eventStream';
import { type AnyRoute, route } from '../http/router';

/** What the routes of the overview need. */
export interface OverviewRouteParts {
  overview: Overview;
  events: RecentEvents;
  streams: EventStreams;
  version: string;
  /** Start of this process, epoch ms. */
  since: number;
  /** Links to Temporal's Web UI; absent if its address is not set. */
  links?: { cases: string; workflow(workflowId: string): string };
}

/** Roles that may see counts, cases and recent events: investigators and supervisors. */
const caseRoles = ['investigator', 'supervisor'] as const;

const figureSchema = z.object({
  label: z.string(),
  value: z.number(),
  scope: z
    .enum(['all', 'process', 'table'])
    .describe(
      'all: counted over all processes; process: this process since it started; table: items, as DynamoDB ' +
        'last counted them (about every six hours)',
    ),
  more: z.boolean().optional().describe('There are more than `value`'),
});
const unavailable = z.literal('unavailable');
const bounded = { count: z.int(), more: z.boolean().describe('There are more than `count`') };

const overviewSchema = z.object({
  version: z.string(),
  at: z.iso.datetime(),
  since: z.iso.datetime().describe('Start of this process'),
  status: z.enum(['ready', 'degraded', 'not-ready']),
  links: z.object({ cases: z.string() }).optional(),
  parts: z.union([
    z.array(
      z.object({
        name: z.string(),
        state: z.enum(['ok', 'unavailable', 'starting', 'elsewhere', 'configured', 'none']),
        address: z.string().optional(),
      }),
    ),
    unavailable,
  ]),
  capabilities: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      lead: figureSchema.optional().describe('The capability’s main figure'),
      figures: z.array(figureSchema),
      unavailable: z.boolean().describe('Some figures could not be read'),
    }),
  ),
  cases: z.union([
    z.object({
      more: z.boolean(),
      items: z.array(
        z.object({
          transactionId: z.string(),
          status: z.string(),
          outcome: z.string(),
          amount: z.int(),
          currency: z.string(),
          score: z.number().nullable(),
          assignee: z.string().optional(),
          openedAt: z.iso.datetime(),
          dueAt: z.iso.datetime().optional(),
          link: z.string().optional(),
        }),
      ),
    }),
    unavailable,
  ]),
  queues: z.union([
    z.array(z.object({ queue: z.string(), workers: z.int(), backlog: z.int(), backlogAgeMs: z.number() })),
    unavailable,
  ]),
  streams: z.union([
    z.array(
      z.object({
        stream: z.string(),
        lagMs: z.number().nullable().describe('null: this process reads none of its shards'),
      }),
    ),
    unavailable,
  ]),
  reconciler: z
    .union([
      z.array(
        z.object({
          mode: z.enum(reconciliationModes),
          finishedAt: z.iso.datetime(),
          checked: z.int(),
          restarted: z.int(),
          postponed: z.int(),
        }),
      ),
      unavailable,
    ])
    .describe(
      'The last reconciliation of each mode: how many rows and workflows it checked, how many workflows ' +
        'it restarted, and how many it postponed',
    ),
  owed: z
    .union([
      z.array(z.object({ kind: z.string(), due: z.int(), oldestDueAt: z.iso.datetime().optional() })),
      unavailable,
    ])
    .describe(
      'Outbox entries that are overdue by more than a few seconds, by kind: start (workflow starts), ' +
        'signal, rescore (payments to rescore); counted up to 1,000 a shard',
    ),
  deadLetters: z.union([z.array(z.object({ stream: z.string(), ...bounded })), unavailable]),
});

/** The JSON data of a server-sent event. */
interface ShownEvent {
  id: number;
  at: string;
  area: string;
  tone: Tone;
  text: string;
  count?: number;
  workflowId?: string;
  link?: string;
}

/** Routes of the overview page: the current state, and recent events. */
export function overviewRoutes(parts: OverviewRouteParts): AnyRoute[] {
  return [getOverview(parts), getEvents(parts)];
}

const getOverview = (parts: OverviewRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/overview',
    operationId: 'getOverview',
    tag: 'platform',
    loadClass: 'interactive',
    summary: 'State of the deployment: services, figures, open cases, queues and backlogs; a few seconds old at most',
    roles: caseRoles,
    responses: {
      200: { description: 'The overview; a part that cannot be read is `unavailable`', schema: overviewSchema },
    },
    handler: async () => ({ status: 200, body: shown(parts, await parts.overview.snapshot()) }),
  });

const getEvents = ({ events, streams, links }: OverviewRouteParts): AnyRoute =>
  route({
    method: 'get',
    path: '/v1/overview/events',
    operationId: 'streamEvents',
    tag: 'platform',
    loadClass: 'interactive',
    summary:
      'Recent events as server-sent events: the last 200, then new ones, for at most ten minutes; ' +
      '`Last-Event-ID` resumes a stream',
    roles: caseRoles,
    headers: [{ name: 'Last-Event-ID', required: false, description: 'Id of the last event that the caller received' }],
    responses: {
      // OpenAPI has no schema for an event stream.
      200: {
        description:
          'Events of this process, and lifecycles of all processes. The data of each is a JSON object: id, at ' +
          `(date-time), area (the name of a capability, or platform), tone (${tones.join(', ')}), text, and where ` +
          'it applies count, workflowId, link',
        contentType: 'text/event-stream',
      },
      503: { description: 'Too many event streams are open' },
    },
    handler: async ({ header }) => {
      const text = (event: RecentEvent) => ({ id: String(event.id), data: JSON.stringify(shownEvent(event, links)) });
      const lastId = Number(header('last-event-id') ?? 0);
      return eventStream(streams, {
        before: () => events.since(Number.isSafeInteger(lastId) ? lastId : 0).map(text),
        listen: (listener) => events.listen((event) => listener(text(event))),
      });
    },
  });

function shownEvent({ at, ...event }: RecentEvent, links: OverviewRouteParts['links']): ShownEvent {
  return {
    ...event,
    at: iso(at),
    ...(event.workflowId !== undefined && links && { link: links.workflow(event.workflowId) }),
  };
}

function shown({ version, since, links }: OverviewRouteParts, snapshot: Snapshot): z.infer<typeof overviewSchema> {
  return {
    version,
    at: iso(snapshot.at),
    since: iso(since),
    status: statusOf(snapshot),
    ...(links && { links: { cases: links.cases } }),
    parts: found(snapshot.parts, (value) => value),
    capabilities: snapshot.capabilities.map(({ area, ...rest }) => ({ name: area, ...rest })),
    cases: found(snapshot.cases, ({ open, more }) => ({
      more,
      items: open.map(({ transactionId, status, outcome, amount, currency, score, assignee, openedAt, dueAt }) => ({
        transactionId,
        status,
        outcome,
        amount,
        currency,
        score,
        openedAt: iso(openedAt),
        ...defined({ assignee }),
        ...(dueAt !== undefined && { dueAt: iso(dueAt) }),
        ...(links && { link: links.workflow(`investigation/${transactionId}`) }),
      })),
    })),
    queues: found(snapshot.queues, (value) => value),
    streams: found(snapshot.streams, (value) => value),
    reconciler: found(snapshot.reconciler, (reports) =>
      reconciliationModes.flatMap((mode) => {
        const report = reports[mode];
        return report
          ? [
              {
                mode,
                finishedAt: iso(report.finishedAt),
                checked: report.checked,
                restarted: Object.values(report.restarted).reduce((sum, count) => sum + count, 0),
                postponed: report.postponed,
              },
            ]
          : [];
      }),
    ),
    owed: found(snapshot.owed, (value) =>
      value.map(({ oldestDueAt, ...rest }) => ({
        ...rest,
        ...(oldestDueAt !== undefined && { oldestDueAt: iso(oldestDueAt) }),
      })),
    ),
    deadLetters: found(snapshot.deadLetters, (value) => value.map(({ stream, letters }) => ({ stream, ...letters }))),
  };
}

function found<T, S>(result: SharedResult<T>, show: (value: T) => S): S | 'unavailable' {
  return 'value' in result ? show(result.value) : 'unavailable';
}

/** Returns the status that `/readyz` reports. */
function statusOf({ parts }: Snapshot): 'ready' | 'degraded' | 'not-ready' {
  const states = new Map('value' in parts ? parts.value.map(({ name, state }) => [name, state]) : []);
  if (states.get('DynamoDB') !== 'ok' || states.get('workers') === 'starting') return 'not-ready';
  return [...states.values()].includes('unavailable') ? 'degraded' : 'ready';
}
