import { platformActivities } from '../activities/platform';
import { deadLetterRoutes } from '../api/platform/deadLetters';
import type { Readiness } from '../api/platform/health';
import { notificationRoutes } from '../api/platform/notifications';
import { defined } from '../domain/defined';
import {
  PLATFORM_QUEUE,
  REDRIVE_TYPE,
  redriveWorkflowId,
  RELAY_ID,
  RELAY_TYPE,
  STREAM_TYPE,
  streamWorkflowId,
} from '../domain/platform/workflows';
import { DeadLetters, type Redriver } from '../operations/platform/deadLetters/deadLetters';
import { EntryRedriver, OUTBOX_LETTERS } from '../operations/platform/outbox/deadEntries';
import type { OutboxKind } from '../operations/platform/outbox/kinds';
import type { Outbox } from '../operations/platform/outbox/outbox';
import { Relay } from '../operations/platform/outbox/relay';
import type { RecentEvents } from '../operations/platform/overview/recentEvents';
import type { NotificationStore } from '../stores/platform/notifications';
import type { OutboxStore } from '../stores/platform/outbox';
import type { CapabilityInstance, ReadStream, Services, StandingWorkflow } from './capability';
import type { Combined } from './combined';
import { buildConsumers } from './consumers';
import { buildOverview } from './overview';
import { buildReconciler, reconcilerWorkflow } from './reconciler';
import type { GraphSettings } from './settings';

export interface PlatformSettings extends Pick<GraphSettings, 'workerState' | 'version' | 'attemptMs'> {
  store: OutboxStore;
  outbox: Outbox;
  kinds: readonly OutboxKind[];
  notificationStore: NotificationStore;
  combined: Combined;
  instances: readonly CapabilityInstance[];
  events: RecentEvents;
}

/** What all capabilities share: the outbox relay, stream readers, dead letters, the reconciler, the overview. */
export function buildPlatform(
  services: Services,
  {
    store,
    outbox,
    kinds,
    notificationStore,
    combined,
    instances,
    events,
    attemptMs,
    workerState = () => 'elsewhere',
    version = 'unknown',
  }: PlatformSettings,
) {
  const { config, temporal, metrics, letters, keepLetters, startOnce, onFault } = services;
  const streams = instances.flatMap((instance) => instance.streams ?? []);
  const consumers = buildConsumers(services, letters, streams);
  const redrivers: Record<string, Redriver> = {
    ...consumers,
    ...Object.assign({}, ...instances.map((instance) => instance.redrivers)),
    [OUTBOX_LETTERS]: new EntryRedriver({ outbox, letters }),
  };
  for (const source of Object.keys(redrivers)) metrics.streams.deadLetters(source, 0);
  const deadLetters = new DeadLetters({ letters, redrivers });
  const startRedrive = async (stream: string): Promise<string> => {
    const workflowId = redriveWorkflowId(stream);
    await startOnce({
      type: REDRIVE_TYPE,
      workflowId,
      taskQueue: PLATFORM_QUEUE,
      args: [{ stream }],
      staticSummary: `Dead letters of ${stream}, once more`,
    });
    return workflowId;
  };
  const backlog = (dueBy: number) =>
    store.backlog(
      kinds.map(({ kind }) => kind),
      dueBy,
    );
  metrics.outbox.watchBacklog(() => backlog(Date.now()));
  const standing: readonly StandingWorkflow[] = [
    reconcilerWorkflow,
    {
      type: RELAY_TYPE,
      workflowId: RELAY_ID,
      taskQueue: PLATFORM_QUEUE,
      args: [],
      staticSummary: 'Dispatches outbox entries',
    },
    ...(config.LONGWATCH_STREAMS_BY === 'workflow' ? streams.map(readerOf) : []),
    ...instances.flatMap((instance) => instance.standing),
  ];
  const reconciler = buildReconciler(services, {
    rows: instances.flatMap((instance) => instance.rows ?? []),
    standing,
    lifecycleRule: combined.lifecycleRule,
  });
  const relay = new Relay({ store, outbox, kinds, keepLetters, onFault });
  const readiness = async (worker: Readiness['worker']): Promise<Readiness> => {
    const [dynamodb, temporalState] = await Promise.all([
      reconciler.lastLook('quick').then(
        (): Readiness['dynamodb'] => 'ok',
        (): Readiness['dynamodb'] => 'unavailable',
      ),
      temporal.state(),
    ]);
    return { dynamodb, temporal: temporalState, worker };
  };
  const overview = buildOverview(services, {
    events,
    combined,
    instances,
    streams: streams.map(({ name }) => name),
    letterSources: Object.keys(redrivers),
    backlog,
    lastLooks: reconciler.lastLooks,
    readiness: () => readiness(workerState()),
    version,
  });
  const platform: Pick<CapabilityInstance, 'routes' | 'activities'> = {
    routes: [
      ...overview.routes,
      ...notificationRoutes({ notifications: notificationStore }),
      ...reconciler.routes,
      ...deadLetterRoutes({ deadLetters, startRedrive }),
    ],
    activities: {
      [PLATFORM_QUEUE]: platformActivities({
        relay,
        consumers,
        deadLetters,
        reconciliation: reconciler.reconciliation,
        ...defined({ attemptMs }),
      }),
    },
  };
  const schedules = [reconciler.schedule, ...instances.flatMap((instance) => instance.schedules ?? [])];
  return { platform, standing, schedules, consumers, overview, readiness };
}

const readerOf = ({ name, summary }: ReadStream): StandingWorkflow => ({
  type: STREAM_TYPE,
  workflowId: streamWorkflowId(name),
  taskQueue: PLATFORM_QUEUE,
  args: [{ stream: name }],
  staticSummary: summary,
});
