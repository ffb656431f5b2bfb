import type { Registry } from 'prom-client';
import type { Readiness } from '../api/platform/health';
import { EventStreams } from '../api/platform/eventStream';
import { overviewRoutes } from '../api/platform/overview';
import type { AnyRoute } from '../api/http/router';
import { webRoutes } from '../api/platform/web';
import { defined } from '../domain/defined';
import { mustValueOf, sharedCall } from '../timing/sharedCall';
import { TemporalOverview } from '../gateways/temporal/visibility';
import { type Lifecycle, WorkflowNews } from '../operations/platform/overview/workflowNews';
import {
  type Figure,
  type FigureSource,
  type ReconciliationReports,
  Overview,
  type PartState,
  type StreamLag,
} from '../operations/platform/overview/overview';
import type { RecentEvents } from '../operations/platform/overview/recentEvents';
import type { Backlog } from '../domain/platform/outbox';
import type { CapabilityInstance, CapabilityPage, Services } from './capability';
import type { Combined } from './combinedCapabilities';
import { platform } from './platformDeclaration';
import { WEB } from './files';
import { tableSizes } from '../stores/tableSizes';
import { REDRIVE_TYPE } from '../domain/platform/workflows';

/** The parts that {@link buildOverview} needs. */
export interface OverviewSettings {
  events: RecentEvents;
  combined: Combined;
  instances: readonly CapabilityInstance[];
  streams: readonly string[];
  /** The sources of dead letters: streams, and other sources. */
  letterSources: readonly string[];
  backlog(dueBy: number): Promise<Backlog[]>;
  lastLooks(): Promise<ReconciliationReports>;
  readiness(): Promise<Readiness>;
  version: string;
}

/** Pause between two queries of Temporal's visibility while the page is open. */
const POLL_MS = 5_000;

/** Builds the overview page and its content: parts, figures, cases, backlogs and events. */
export function buildOverview(
  services: Services,
  settings: OverviewSettings,
): { routes: readonly AnyRoute[]; endStreams(): void; close(): void } {
  const { config, endpoints, db, temporal, metrics } = services;
  const { events, combined, instances, streams, letterSources, backlog, version } = settings;
  const cases = instances.find((instance) => instance.cases)?.cases;
  const lists = new TemporalOverview(temporal);
  const overview = new Overview({
    db,
    backlog,
    ...defined({ cases }),
    temporal: lists,
    queues: Object.keys(combined.queues),
    letterSources,
    sources: [...figureSources(services, combined, lists), ...instances.flatMap((instance) => instance.figures ?? [])],
    titles: Object.fromEntries(combined.capabilities.map(({ name, title }) => [name, title])),
    leads: Object.fromEntries(
      combined.capabilities.flatMap(({ name, page }) => (page?.lead ? [[name, page.lead]] : [])),
    ),
    states: () => partStates(services, settings),
    streamLag: () => streamLag(metrics.registry, streams),
    lastLooks: settings.lastLooks,
  });
  const eventStreams = new EventStreams();
  const note: typeof events.note = (happening) => events.note(happening);
  const watch = new WorkflowNews({ temporal: lists, lifecycles: newsOf(combined), note });
  const polling = setInterval(() => {
    // Query Temporal only while the page is open.
    if (events.isWatched) watch.poll().catch(() => undefined); // Temporal is unavailable; the page shows that.
  }, POLL_MS);
  polling.unref();
  const ui = endpoints.temporal.uiUrl ?? config.TEMPORAL_UI_URL;
  const list = ui && `${ui}/namespaces/${config.TEMPORAL_NAMESPACE}/workflows`;
  return {
    routes: [
      ...webRoutes(WEB),
      ...overviewRoutes({
        overview,
        events,
        streams: eventStreams,
        version,
        since: Date.now(),
        ...(list && {
          links: {
            cases: `${list}?query=${encodeURIComponent("LongwatchStatus='waiting'")}`,
            workflow: (id: string) => `${list}/${encodeURIComponent(id)}`,
          },
        }),
      }),
    ],
    endStreams: () => eventStreams.endAll(),
    close() {
      clearInterval(polling);
      eventStreams.endAll();
      events.close();
    },
  };
}

/** Returns the workflow types whose begin and end are events on the page. */
function newsOf({ capabilities }: Combined): Record<string, Lifecycle> {
  const news = capabilities.flatMap(({ name: area, page }) =>
    Object.entries(page?.news ?? {}).map(([type, name]) => [type, { area, name }] as const),
  );
  return {
    ...Object.fromEntries(news),
    [REDRIVE_TYPE]: { area: platform.name, name: 'A redrive of dead letters' },
  };
}

/** Returns the parts with their addresses. Removes a password from an address. */
async function partStates({ endpoints }: Services, { readiness, combined }: OverviewSettings): Promise<PartState[]> {
  const { dynamodb, temporal, worker } = await readiness();
  const { parts } = combined.needs;
  const configured = (name: string, address: string | undefined): PartState =>
    address === undefined ? { name, state: 'none' } : { name, state: 'configured', address };
  return [
    { name: 'DynamoDB', state: dynamodb, address: endpoints.dynamodb?.endpoint ?? 'AWS' },
    {
      name: 'Temporal',
      state: temporal,
      ...defined({ address: endpoints.temporal.address }),
    },
    { name: 'workers', state: worker },
    ...(parts.sagemaker ? [configured('SageMaker', endpoints.sagemaker?.endpoint ?? 'AWS')] : []),
    ...(parts.kinesis ? [configured('Kinesis', endpoints.kinesis && (endpoints.kinesis.endpoint ?? 'AWS'))] : []),
    ...(parts.s3 ? [configured('S3', endpoints.s3 && (endpoints.s3.endpoint ?? 'AWS'))] : []),
    ...(parts.mqtt ? [configured('MQTT', endpoints.mqtt?.url.replace(/\/\/[^@/]*@/, '//'))] : []),
  ];
}

function figureSources(
  { db, dynamodb, metrics: { registry } }: Services,
  { capabilities }: Combined,
  lists: TemporalOverview,
): FigureSource[] {
  const named = <T>(of: (page: CapabilityPage) => Readonly<Record<string, T>> | undefined) =>
    capabilities.flatMap(({ name, page = {} }) =>
      Object.entries(of(page) ?? {}).map(([key, value]) => ({ area: name, key, value })),
    );
  const [sized, running] = [named((page) => page.sizes), named((page) => page.running)];
  const sizes = sharedCall(
    () =>
      tableSizes(
        dynamodb,
        db,
        sized.map(({ key }) => key),
      ),
    { forMs: 60_000 },
  );
  const counts = sharedCall(() => lists.running(running.map(({ key }) => key)), { forMs: 10_000 });
  return [
    ...capabilities.flatMap(({ name: area, page }) =>
      (page?.counters ?? []).map(({ metric, label }) => ({
        area,
        forMs: 1_000,
        figures: () => processFigures(registry, metric, label),
      })),
    ),
    ...sized.map(({ area, key, value: label }): FigureSource => ({
      area,
      forMs: 60_000,
      figures: async () => [{ label, value: mustValueOf(await sizes())[key] ?? 0, scope: 'table' }],
    })),
    ...running.map(({ area, key, value: label }): FigureSource => ({
      area,
      forMs: 10_000,
      figures: async () => [{ label, value: mustValueOf(await counts())[key] ?? 0, scope: 'all' }],
    })),
  ];
}

type Labels = Readonly<Record<string, string | number | undefined>>;

/** Sums a counter of this process by the label that `label` returns. A metric that does not exist has no figures. */
async function processFigures(
  registry: Registry,
  name: string,
  label: (labels: Labels) => string | undefined,
): Promise<Figure[]> {
  const values = (await registry.getSingleMetric(name)?.get())?.values ?? [];
  const sums = new Map<string, number>();
  for (const { labels, value } of values) {
    const under = label(labels as Labels);
    if (under !== undefined) sums.set(under, (sums.get(under) ?? 0) + value);
  }
  return [...sums].map(([one, value]) => ({ label: one, value, scope: 'process' }));
}

/** Returns the lag of each stream: that of the shard furthest behind, among the shards that this process reads. */
async function streamLag(registry: Registry, streams: readonly string[]): Promise<StreamLag[]> {
  const values = (await registry.getSingleMetric('longwatch_stream_lag_seconds')?.get())?.values ?? [];
  return streams.map((stream) => {
    const seconds = values.filter(({ labels }) => (labels as Labels)['stream'] === stream).map(({ value }) => value);
    return { stream, lagMs: seconds.length === 0 ? null : Math.round(Math.max(...seconds) * 1_000) };
  });
}
