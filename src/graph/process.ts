import { defined } from '../domain/defined';
import { Temporal, type TemporalTarget, temporalTarget } from '../gateways/temporal';
import { Metrics } from '../metrics';
import { Notifications } from '../operations/platform/notifications';
import type { OutboxKind } from '../operations/platform/outbox/kinds';
import type { Outbox } from '../operations/platform/outbox/outbox';
import { workflowSignals } from '../operations/platform/outbox/workflowSignals';
import { asUnavailable, workflowStarts } from '../operations/platform/outbox/workflowStarts';
import { RecentEvents } from '../operations/platform/overview/recentEvents';
import { dynamoDBClient, openDb } from '../stores/dynamodb';
import { DeadLetterStore } from '../stores/platform/deadLetters';
import { NotificationStore } from '../stores/platform/notifications';
import { OutboxStore } from '../stores/platform/outbox';
import { openLogger } from '../telemetry/logger';
import type { Services } from './capability';
import { channels } from './channels';
import type { Combined } from './combined';
import { buildEncryption } from './encryption';
import type { GraphSettings } from './settings';

/** What a process has whatever its capabilities are: clients, metrics, notifications, dead letters. */
export function buildProcess(
  { config, endpoints, signingSecret, publicUrl, attemptMs, codecLinkToken }: GraphSettings,
  { tables }: Combined,
) {
  const logger = openLogger(config.LONGWATCH_LOG_LEVEL);
  const metrics = new Metrics();
  const watchCall = metrics.gateways.call;
  const events = new RecentEvents();
  const note = events.note.bind(events);
  const onFault = (error: unknown): void => logger.warn({ err: error }, 'a background task failed and will be retried');
  const dynamodb = dynamoDBClient({ region: config.AWS_REGION, ...endpoints.dynamodb });
  const db = openDb(dynamodb, config.LONGWATCH_TABLE_PREFIX, tables, (call) => metrics.dynamodb.call(call));
  const encryption = buildEncryption(config, logger, { linkToken: codecLinkToken, watch: watchCall });
  const target: TemporalTarget = {
    ...temporalTarget({ ...endpoints.temporal, namespace: config.TEMPORAL_NAMESPACE }),
    ...defined({ dataConverter: encryption?.dataConverter }),
  };
  const temporal = new Temporal(target, watchCall);
  const store = new OutboxStore(db);
  const starts: OutboxKind[] = [
    workflowStarts(temporal, (result) => metrics.outbox.start(result)),
    workflowSignals(temporal),
  ];
  // Kinds of capabilities need the capabilities, which need an outbox to record entries.
  let outbox: Outbox | undefined;
  const notificationStore = new NotificationStore(db);
  const letters = new DeadLetterStore(db);

  const onSkipped: Services['onSkipped'] = (work) => {
    metrics.skips.begin(work);
    return (entity, error) => {
      metrics.skips.skipped(work);
      note({
        area: 'platform',
        tone: 'problem',
        text: `${work} was skipped for one, because a step was refused for good`,
      });
      logger.error({ err: error, work, entity }, 'an entity was skipped, because a step for it was refused for good');
    };
  };
  const services: Services = {
    config,
    endpoints,
    db,
    dynamodb,
    outbox: { recording: (entry) => store.recording(entry), dispatchSoon: (entry) => outbox?.dispatchSoon(entry) },
    temporal,
    notifications: new Notifications(
      notificationStore,
      channels(config, signingSecret, watchCall),
      onSkipped('message'),
    ),
    metrics,
    watchCall,
    logger,
    signingSecret,
    publicUrl,
    startOnce: ({ type, ...options }) =>
      asUnavailable(`the start of ${options.workflowId}`, () =>
        temporal.within(() =>
          temporal.client.workflow.start(type, {
            ...options,
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          }),
        ),
      ),
    onFault,
    onSkipped,
    letters,
    async keepLetters(some) {
      await letters.keep(some);
      for (const { source, shardId, position, reason } of some) {
        metrics.streams.deadLetters(source, 1);
        note({
          area: 'platform',
          tone: 'problem',
          text: `what came by ${source} could not be processed: a dead letter`,
        });
        logger.error({ source, shard: shardId, position, reason }, 'what fails for good was kept as a dead letter');
      }
    },
    note,
    ...defined({ attemptMs }),
  };
  return {
    services,
    store,
    starts,
    notificationStore,
    encryption,
    events,
    target,
    connect: (to: Outbox): void => void (outbox = to),
  };
}
