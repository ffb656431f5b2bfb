import { platformActivities } from '../activities/platform';
import { deadLetterRoutes } from '../api/platform/deadLetters';
import type { Readiness } from '../api/platform/health';
import { notificationRoutes } from '../api/platform/notifications';
import { defined } from '../domain/defined';
import { PLATFORM_QUEUE, REDRIVE_TYPE, redriveWorkflowId } from '../domain/platform/workflows';
import { DeadLetters, type Redriver } from '../operations/platform/deadLetters/deadLetters';
import { EntryRedriver, OUTBOX_LETTERS } from '../operations/platform/outbox/entryRedriver';
import { Relay } from '../operations/platform/outbox/relay';
import type { CapabilityInstance, ScheduledWorkflow, Services, StandingWorkflow } from './capability';
import type { Combined } from './combinedCapabilities';
import { buildConsumers } from './consumers';
import { buildOverview } from './overview';
import type { ProcessParts } from './process';
import { readinessOf } from './readiness';
import { buildReconciler } from './reconciler';
import type { GraphSettings } from './settings';
import { standingWorkflows } from './standingWorkflows';

/** The parts that {@link buildPlatform} needs. */
export interface PlatformSettings extends Pick<GraphSettings, 'workerState' | 'version'> {
  combined: Combined;
  instances: readonly CapabilityInstance[];
}

/** The parts of the platform that work for all capabilities of a process. */
export interface Platform extends Pick<CapabilityInstance, 'routes' | 'activities'> {
  /** Standing workflows of the platform and of all capabilities. */
  standing: readonly StandingWorkflow[];
  schedules: readonly ScheduledWorkflow[];
  consumers: ReturnType<typeof buildConsumers>;
  overview: ReturnType<typeof buildOverview>;
  readiness(worker: Readiness['worker']): Promise<Readiness>;
}

/** Builds the outbox relay, stream readers, dead letters, the reconciler and the overview. */
export function buildPlatform(common: ProcessParts, settings: PlatformSettings): Platform {
  const { services, notificationStore } = common;
  const { combined, instances } = settings;
  const streams = instances.flatMap((instance) => instance.streams ?? []);
  const consumers = buildConsumers(services, services.letters, streams);
  const redrivers = redriversOf(common, consumers, instances);
  const deadLetters = new DeadLetters({ letters: services.letters, redrivers });
  const standing = standingWorkflows(services, streams, instances);
  const reconciler = buildReconciler(services, {
    rows: instances.flatMap((instance) => instance.rows ?? []),
    standing,
    lifecycleRule: combined.lifecycleRule,
  });
  const readiness = (worker: Readiness['worker']) => readinessOf(services, reconciler, worker);
  services.metrics.outbox.watchBacklog(() => common.outbox.backlog(Date.now()));
  const overview = buildOverview(services, {
    events: common.events,
    combined,
    instances,
    streams: streams.map(({ name }) => name),
    letterSources: Object.keys(redrivers),
    backlog: (dueBy) => common.outbox.backlog(dueBy),
    lastLooks: reconciler.lastLooks,
    readiness: () => readiness(settings.workerState?.() ?? 'elsewhere'),
    version: settings.version ?? 'unknown',
  });
  return {
    routes: [
      ...overview.routes,
      ...notificationRoutes({ notifications: notificationStore }),
      ...reconciler.routes,
      ...deadLetterRoutes({ deadLetters, startRedrive: (stream) => startRedrive(services, stream) }),
    ],
    activities: {
      [PLATFORM_QUEUE]: platformActivities({
        relay: openRelay(common),
        consumers,
        deadLetters,
        reconciliation: reconciler.reconciliation,
        ...defined({ attemptMs: services.attemptMs }),
      }),
    },
    standing,
    schedules: [reconciler.schedule, ...instances.flatMap((instance) => instance.schedules ?? [])],
    consumers,
    overview,
    readiness,
  };
}

/**
 * Returns all redrivers by source. Registers each source in the metrics, so that they show it before its first dead
 * letter.
 */
function redriversOf(
  { services: { letters, metrics }, outbox }: ProcessParts,
  consumers: Platform['consumers'],
  instances: readonly CapabilityInstance[],
): Record<string, Redriver> {
  const redrivers: Record<string, Redriver> = {
    ...consumers,
    ...Object.assign({}, ...instances.map((instance) => instance.redrivers)),
    [OUTBOX_LETTERS]: new EntryRedriver({ outbox, letters }),
  };
  for (const source of Object.keys(redrivers)) metrics.streams.deadLetters(source, 0);
  return redrivers;
}

async function startRedrive({ startOnce }: Services, stream: string): Promise<string> {
  const workflowId = redriveWorkflowId(stream);
  await startOnce({
    type: REDRIVE_TYPE,
    workflowId,
    taskQueue: PLATFORM_QUEUE,
    args: [{ stream }],
    staticSummary: `Redrives the dead letters of ${stream}`,
  });
  return workflowId;
}

const openRelay = ({ services: { keepLetters, onFault }, outbox, outboxStore }: ProcessParts): Relay =>
  new Relay({ store: outboxStore, outbox, kinds: outbox.kinds, keepLetters, onFault });
