import type { Registry } from 'prom-client';
import type { Readiness } from '../api/platform/health';
import { EventStreams } from '../api/platform/eventStream';
import { overviewRoutes } from '../api/platform/overview';
import type { AnyRoute } from '../api/http/routes';
import { webRoutes } from '../api/platform/web';
import { TemporalLook } from '../gateways/temporal/visibility';
import { type Lifecycle, Lifecycles } from '../operations/platform/overview/lifecycles';
import { type Figure, type FigureSource, type LastLooks, Overview, type PartState, type StreamLag } from '../operations/platform/overview/overview';
import type { RecentEvents } from '../operations/platform/overview/recentEvents';
import { CartCountStore } from '../stores/carts/cartCounts';
import type { Backlog } from '../domain/platform/outbox';
import type { CapabilityInstance, Services } from './capability';
import type { TableName } from '../stores/tables';
import { tableSizes } from '../stores/tableSizes';
import { queues } from '../workers/queues';
import { CART_TYPE, CHECKOUT_TYPE } from '../domain/carts/workflows';
import { ARCHIVE_TYPE, DEVICE_ALERTS_TYPE, ERASE_TYPE, RESTORE_TYPE } from '../domain/devices/workflows';
import { FAN_OUT_TYPE, RELATION_TYPE, RETRACT_TYPE, TURN_TYPE } from '../domain/feeds/workflows';
import { INVESTIGATION_TYPE } from '../domain/fraud/workflows';
import { SEASON_TYPE } from '../domain/leaderboards/workflows';
import { REDRIVE_TYPE } from '../domain/platform/workflows';

export interface OverviewSettings {
  events: RecentEvents;
  instances: readonly CapabilityInstance[];
  streams: readonly string[];
  /** Where dead letters come from: the streams, and sources that are no stream. */
  letterSources: readonly string[];
  backlog(dueBy: number): Promise<Backlog[]>;
  lastLooks(): Promise<LastLooks>;
  readiness(): Promise<Readiness>;
  version: string;
}

/** Lifecycles that are news when they begin and end. */
const lifecycles: Readonly<Record<string, Lifecycle>> = {
  [INVESTIGATION_TYPE]: { area: 'fraud', name: 'An investigation' },
  [CART_TYPE]: { area: 'carts', name: 'The watch over a cart' },
  [CHECKOUT_TYPE]: { area: 'carts', name: 'A checkout' },
  [SEASON_TYPE]: { area: 'leaderboards', name: 'A season' },
  [FAN_OUT_TYPE]: { area: 'feeds', name: 'The fan-out of a post' },
  [RETRACT_TYPE]: { area: 'feeds', name: 'The retraction of a post' },
  [TURN_TYPE]: { area: 'feeds', name: 'The turn of an author' },
  [DEVICE_ALERTS_TYPE]: { area: 'devices', name: 'Telling of alerts' },
  [ARCHIVE_TYPE]: { area: 'devices', name: 'The archiving of a day' },
  [RESTORE_TYPE]: { area: 'devices', name: 'The restoring of a day' },
  [ERASE_TYPE]: { area: 'devices', name: 'The erasure of a device' },
  [REDRIVE_TYPE]: { area: 'platform', name: 'The re-driving of dead letters' },
};

/** Lifecycles of which it is shown how many run. */
const running: Readonly<Record<string, { area: Lifecycle['area']; label: string }>> = {
  [CHECKOUT_TYPE]: { area: 'carts', label: 'checkouts watched' },
  [SEASON_TYPE]: { area: 'leaderboards', label: 'seasons watched' },
  [FAN_OUT_TYPE]: { area: 'feeds', label: 'fan-outs under way' },
  [RELATION_TYPE]: { area: 'feeds', label: 'follows being settled' },
  [ARCHIVE_TYPE]: { area: 'devices', label: 'days being archived' },
};

const sized: readonly { table: TableName; area: Lifecycle['area']; label: string }[] = [
  { table: 'Decisions', area: 'fraud', label: 'decisions kept' },
  { table: 'Sessions', area: 'sessions', label: 'items of sessions kept' },
  { table: 'Orders', area: 'carts', label: 'orders kept' },
  { table: 'Leaderboard', area: 'leaderboards', label: 'scores kept' },
  { table: 'Posts', area: 'feeds', label: 'posts kept' },
  { table: 'DeviceData', area: 'devices', label: 'readings in the table' },
];

/** Between two looks at Temporal's visibility while somebody watches. */
const LOOK_MS = 5_000;

/** The page for people and what it shows: parts, figures, cases, what waits, what happens. */
export function buildOverview(services: Services, settings: OverviewSettings): { routes: readonly AnyRoute[]; endStreams(): void; close(): void } {
  const { config, endpoints, db, temporal, metrics } = services;
  const { events, instances, streams, letterSources, backlog, version } = settings;
  const cases = instances.find((instance) => instance.cases)?.cases;
  const look = new TemporalLook(temporal);
  const overview = new Overview({
    db,
    backlog,
    ...(cases && { cases }),
    temporal: look,
    queues,
    letterSources,
    sources: figureSources(services, look),
    states: () => partStates(services, settings),
    streamLag: () => streamLag(metrics.registry, streams),
    lastLooks: settings.lastLooks,
  });
  const eventStreams = new EventStreams();
  const watch = new Lifecycles({ look, lifecycles, note: (happening) => events.note(happening) });
  const looking = setInterval(() => {
    // Nobody watches: nobody is asked.
    if (events.isWatched) watch.look().catch(() => undefined); // Temporal is away; the overview says so.
  }, LOOK_MS);
  looking.unref();
  const ui = endpoints.temporal.uiUrl ?? config.TEMPORAL_UI_URL;
  const list = ui && `${ui}/namespaces/${config.TEMPORAL_NAMESPACE}/workflows`;
  return {
    routes: [
      ...webRoutes(),
      ...overviewRoutes({
        overview,
        events,
        streams: eventStreams,
        version,
        since: Date.now(),
        ...(list && { links: { cases: `${list}?query=${encodeURIComponent("LongwatchStatus='waiting'")}`, workflow: (id: string) => `${list}/${encodeURIComponent(id)}` } }),
      }),
    ],
    endStreams: () => eventStreams.endAll(),
    close() {
      clearInterval(looking);
      eventStreams.endAll();
      events.close();
    },
  };
}

/** Addresses are shown without the password that they may hold. */
async function partStates({ endpoints }: Services, { readiness }: OverviewSettings): Promise<PartState[]> {
  const { dynamodb, temporal, worker } = await readiness();
  const configured = (name: string, part: { endpoint?: string } | undefined): PartState => (part ? { name, state: 'configured', address: part.endpoint ?? 'AWS' } : { name, state: 'none' });
  return [
    { name: 'DynamoDB', state: dynamodb, address: endpoints.dynamodb?.endpoint ?? 'AWS' },
    { name: 'Temporal', state: temporal, ...(endpoints.temporal.address !== undefined && { address: endpoints.temporal.address }) },
    { name: 'workers', state: worker },
    { name: 'SageMaker', state: 'configured', address: endpoints.sagemaker?.endpoint ?? 'AWS' },
    configured('Kinesis', endpoints.kinesis),
    configured('S3', endpoints.s3),
    endpoints.mqtt ? { name: 'MQTT', state: 'configured', address: endpoints.mqtt.url.replace(/\/\/[^@/]*@/, '//') } : { name: 'MQTT', state: 'none' },
  ];
}

function figureSources({ db, dynamodb, metrics: { registry } }: Services, look: TemporalLook): FigureSource[] {
  const carts = new CartCountStore(db);
  const of = (area: Lifecycle['area'], forMs: number, figures: () => Promise<Figure[]>): FigureSource => ({ area, forMs, figures });
  const process = (area: Lifecycle['area'], name: string, label: (labels: Labels) => string | undefined): FigureSource => of(area, 1_000, () => processFigures(registry, name, label));
  const sizes = shared(() => tableSizes(dynamodb, db, sized.map(({ table }) => table)), 60_000);
  const counts = shared(() => look.running(Object.keys(running)), 10_000);
  return [
    process('fraud', 'longwatch_fraud_decisions_total', ({ outcome }) => `payments: ${outcome}`),
    process('sessions', 'longwatch_sessions_created_total', () => 'opened'),
    process('sessions', 'longwatch_sessions_ended_total', () => 'ended'),
    of('carts', 3_000, async () => {
      const { opened, closed, ordered, reminded, recovered, abandoned } = await carts.totals();
      return Object.entries({ open: opened - closed, ordered, reminded, recovered, abandoned }).map(([label, value]) => ({ label, value, scope: 'all' as const }));
    }),
    process('leaderboards', 'longwatch_leaderboard_submissions_total', ({ result }) => (result === 'applied' ? 'scores that counted' : undefined)),
    process('feeds', 'longwatch_feed_rows_total', ({ kind }) => (kind === 'delivered' ? 'posts delivered' : undefined)),
    process('devices', 'longwatch_device_readings_total', ({ result }) => (result === 'stored' ? 'readings stored' : 'readings refused')),
    ...sized.map(({ table, area, label }) => of(area, 60_000, async () => [{ label, value: (await sizes())[table] ?? 0, scope: 'table' }])),
    ...Object.entries(running).map(([type, { area, label }]) => of(area, 10_000, async () => [{ label, value: (await counts())[type] ?? 0, scope: 'all' }])),
  ];
}

type Labels = Readonly<Record<string, string | number | undefined>>;

/** Sums of a counter of this process by the label that its labels give it. A metric that is not there counts nothing. */
async function processFigures(registry: Registry, name: string, label: (labels: Labels) => string | undefined): Promise<Figure[]> {
  const values = (await registry.getSingleMetric(name)?.get())?.values ?? [];
  const sums = new Map<string, number>();
  for (const { labels, value } of values) {
    const under = label(labels as Labels);
    if (under !== undefined) sums.set(under, (sums.get(under) ?? 0) + value);
  }
  return [...sums].map(([one, value]) => ({ label: one, value, scope: 'process' }));
}

/** The furthest behind of each stream's shards that this process reads. */
async function streamLag(registry: Registry, streams: readonly string[]): Promise<StreamLag[]> {
  const values = (await registry.getSingleMetric('longwatch_stream_lag_seconds')?.get())?.values ?? [];
  return streams.map((stream) => {
    const seconds = values.filter(({ labels }) => (labels as Labels)['stream'] === stream).map(({ value }) => value);
    return { stream, lagMs: seconds.length === 0 ? null : Math.round(Math.max(...seconds) * 1_000) };
  });
}

/** One look for several figures. */
function shared<T>(look: () => Promise<T>, forMs: number): () => Promise<T> {
  let until = 0;
  let last: Promise<T> | undefined;
  return () => {
    if (last && Date.now() < until) return last;
    until = Date.now() + forMs;
    return (last = look());
  };
}
