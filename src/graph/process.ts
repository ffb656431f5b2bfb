import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Logger } from 'pino';
import { defined } from '../domain/defined';
import { Temporal, type TemporalTarget, temporalTarget } from '../gateways/temporal';
import { Metrics } from '../metrics';
import { Notifications } from '../operations/platform/notifications';
import { Outbox } from '../operations/platform/outbox/outbox';
import { workflowSignals } from '../operations/platform/outbox/workflowSignals';
import { asUnavailable, workflowStarts } from '../operations/platform/outbox/workflowStarts';
import { RecentEvents } from '../operations/platform/overview/recentEvents';
import { type Db, dynamoDBClient, openDb, type StoreCall } from '../stores/dynamodb';
import { DeadLetterStore } from '../stores/platform/deadLetters';
import { NotificationStore } from '../stores/platform/notifications';
import { OutboxStore } from '../stores/platform/outbox';
import type { Tables } from '../stores/tableSpec';
import type { CallWatch } from '../telemetry/calls';
import { openLogger } from '../telemetry/logger';
import type { Services, StandingWorkflow } from './capability';
import { channels } from './channels';
import { buildEncryption, type Encryption } from './encryption';
import { faultReports } from './faultReports';
import type { GraphSettings } from './settings';

/** The parts of a process that do not depend on its capabilities. */
export interface ProcessParts {
  /** The services from which each capability is built. */
  services: Services;
  outbox: Outbox;
  outboxStore: OutboxStore;
  notificationStore: NotificationStore;
  events: RecentEvents;
  target: TemporalTarget;
  /** Undefined if payloads are not encrypted. */
  encryption: Encryption | undefined;
}

/** Builds the clients, metrics, outbox, notifications and dead letters that capabilities share. */
export function buildProcess(settings: GraphSettings, tables: Tables): ProcessParts {
  const { config, endpoints, signingSecret, publicUrl, attemptMs } = settings;
  const logger = openLogger(config.LONGWATCH_LOG_LEVEL);
  const metrics = new Metrics();
  const watchCall = metrics.gateways.call;
  const events = new RecentEvents();
  const note = events.note.bind(events);
  const { dynamodb, db } = openDynamoDB(settings, tables, metrics, (error) => onMalformed(error.message, error));
  const { temporal, target, encryption } = openTemporal(settings, logger, watchCall);
  const outboxStore = new OutboxStore(db);
  const starts = workflowStarts(temporal, (result) => metrics.outbox.start(result));
  const outbox = new Outbox(outboxStore, [starts, workflowSignals(temporal)]);
  const letters = new DeadLetterStore(db);
  const reports = faultReports({ logger, metrics, letters, note });
  const onMalformed = reports.onSkipped('list');
  const notificationStore = new NotificationStore(db);
  const sending = channels(config, signingSecret, watchCall);
  const services: Services = {
    config,
    endpoints,
    db,
    dynamodb,
    outbox,
    temporal,
    notifications: new Notifications(notificationStore, sending, reports.onSkipped('message')),
    metrics,
    watchCall,
    logger,
    signingSecret,
    publicUrl,
    startOnce: (workflow) => startOnce(temporal, workflow),
    letters,
    ...reports,
    note,
    ...defined({ attemptMs }),
  };
  return { services, outbox, outboxStore, notificationStore, events, target, encryption };
}

function openDynamoDB(
  { config, endpoints }: GraphSettings,
  tables: Tables,
  metrics: Metrics,
  onMalformed: Db['onMalformed'],
): { dynamodb: DynamoDBClient; db: Db } {
  const dynamodb = dynamoDBClient({ region: config.AWS_REGION, ...endpoints.dynamodb });
  const onCall = (call: StoreCall) => metrics.dynamodb.call(call);
  const db = openDb(dynamodb, config.LONGWATCH_TABLE_PREFIX, tables, onCall, onMalformed);
  return { dynamodb, db };
}

/** Opens Temporal. Clients and workers must convert payloads in the same way, so both use `target`. */
function openTemporal(
  { config, endpoints, codecLinkToken }: GraphSettings,
  logger: Logger,
  watch: CallWatch,
): { temporal: Temporal; target: TemporalTarget; encryption: Encryption | undefined } {
  const encryption = buildEncryption(config, logger, { linkToken: codecLinkToken, watch });
  const target: TemporalTarget = {
    ...temporalTarget({ ...endpoints.temporal, namespace: config.TEMPORAL_NAMESPACE }),
    ...defined({ dataConverter: encryption?.dataConverter }),
  };
  return { temporal: new Temporal(target, watch), target, encryption };
}

const startOnce = (temporal: Temporal, { type, ...options }: StandingWorkflow): Promise<unknown> =>
  asUnavailable(`the start of ${options.workflowId}`, () =>
    temporal.within(() =>
      temporal.client.workflow.start(type, {
        ...options,
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      }),
    ),
  );
