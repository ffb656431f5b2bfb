import type { Logger } from 'pino';
import { fraudActivities } from '../activities/fraud';
import { platformActivities } from '../activities/platform';
import { Relay } from '../operations/platform/outbox/relay';
import { alertRoutes } from '../api/fraud/alerts';
import { deadLetterRoutes } from '../api/platform/deadLetters';
import { driftRoutes } from '../api/fraud/drift';
import { fraudRoutes } from '../api/fraud/transactions';
import { shadowRoutes } from '../api/fraud/shadow';
import { investigationRoutes } from '../api/fraud/investigations';
import type { Readiness } from '../api/platform/health';
import type { AnyRoute } from '../api/http/routes';
import type { Config } from '../config';
import type { Endpoints } from '../config/endpoints';
import { defaultRules } from '../domain/fraud/defaultRules';
import { featureNames } from '../domain/fraud/features';
import { iso } from '../domain/ids';
import { AnswerLinks } from '../gateways/fraud/answerLinks';
import { sagemakerClient } from '../gateways/fraud/sagemaker';
import { Temporal, type TemporalTarget, temporalTarget } from '../gateways/temporal';
import { Metrics } from '../metrics';
import type { SkippingWork } from '../metrics/skips';
import { caseRows } from '../operations/fraud/caseRows';
import { CaseUpdates } from '../operations/fraud/caseUpdates';
import { Cases } from '../operations/fraud/cases';
import { DeadLetters, type Redriver } from '../operations/platform/deadLetters/deadLetters';
import { DEBT_LETTERS, DebtRedriver } from '../operations/platform/outbox/deadEntries';
import { DecisionBatches } from '../operations/fraud/decisionBatches';
import { Decisions } from '../operations/fraud/decisions';
import { type Draft, Drafts } from '../operations/fraud/drafts';
import { Notifications } from '../operations/platform/notifications';
import { RecentEvents } from '../operations/platform/overview/recentEvents';
import { Starts } from '../operations/platform/outbox/starts';
import { type DeadLetter, DeadLetterStore } from '../stores/platform/deadLetters';
import { dynamoDBClient, openDb } from '../stores/dynamodb';
import { prepareTables, updateTables } from '../stores/tableChanges';
import { AttestationStore } from '../stores/fraud/attestations';
import { DecisionStore } from '../stores/fraud/decisions';
import { InvestigationStore } from '../stores/fraud/investigations';
import { Ledger } from '../stores/platform/outbox';
import { NotificationStore } from '../stores/platform/notifications';
import { openLogger } from '../telemetry/logger';
import type { Queue } from '../workers/queues';
import type { InvestigationPolicy } from '../domain/fraud/workflows';
import { DRIFT_REPORT_ID, DRIFT_REPORT_TYPE, type DriftReportInput, FRAUD_QUEUE } from '../domain/fraud/workflows';
import { PLATFORM_QUEUE, REDRIVE_TYPE, redriveWorkflowId, RELAY_ID, RELAY_TYPE, STREAM_TYPE, streamWorkflowId } from '../domain/platform/workflows';
import { buildCarts } from './carts';
import { channels } from './channels';
import { buildConsumers, fraudStreams } from './consumers';
import { buildDevices } from './devices';
import { buildEncryption } from './encryption';
import { buildFeeds } from './feeds';
import { buildLeaderboards } from './leaderboards';
import { buildModels } from './models';
import { noteDecision } from './notes';
import { buildOverview } from './overview';
import type { Part, Shared, StandingWorkflow } from './part';
import { buildReconciler, reconcilerWorkflow } from './reconciler';
import { buildSessions } from './sessions';

/** The capabilities beside fraud. */
const capabilities: readonly ((shared: Shared) => Part)[] = [buildSessions, buildCarts, buildLeaderboards, buildFeeds, buildDevices];

/** How cases are run, from the configuration. */
export function investigationPolicy(config: Config): InvestigationPolicy {
  return {
    answerWithinMs: config.LONGWATCH_ANSWER_WITHIN_MS,
    slaWarningMs: config.LONGWATCH_SLA_WARNING_MS,
    slaBreachMs: config.LONGWATCH_SLA_BREACH_MS,
    finalAfterMs: config.LONGWATCH_FINAL_AFTER_MS,
    finalPolicy: config.LONGWATCH_FINAL_POLICY,
    remindEveryMs: config.LONGWATCH_REMIND_EVERY_MS,
    fourEyesAbove: config.LONGWATCH_FOUR_EYES_ABOVE,
    userHoldMs: config.LONGWATCH_USER_HOLD_MS,
  };
}

export interface GraphSettings {
  config: Config;
  endpoints: Endpoints;
  /** Signs customers' links and webhooks. */
  signingSecret: string;
  /** Address of the API as customers reach it, known once it listens. */
  publicUrl(): string;
  /** How long one attempt of the relay or of a shard's reader works, in milliseconds; default an hour. */
  attemptMs?: number;
  /** By which the embedded Web UI has payloads decrypted. */
  codecLinkToken?: string;
  /** Whether this process's workers run; by default they are elsewhere. */
  workerState?(): Readiness['worker'];
  /** Of Longwatch, for people. */
  version?: string;
}

/** Every object of a process, built in one place. */
export type Graph = ReturnType<typeof buildGraph>;

export function buildGraph({ config, endpoints, signingSecret, publicUrl, attemptMs, codecLinkToken, workerState = () => 'elsewhere', version = 'unknown' }: GraphSettings) {
  const logger: Logger = openLogger(config.LONGWATCH_LOG_LEVEL);
  const metrics = new Metrics();
  const events = new RecentEvents();
  const note = events.note.bind(events);
  const onFault = (error: unknown): void => logger.warn({ err: error }, 'a background task failed and will try again');

  const region = config.AWS_REGION;
  const dynamodb = dynamoDBClient({ region, ...endpoints.dynamodb });
  const prefix = config.LONGWATCH_TABLE_PREFIX;
  const db = openDb(dynamodb, prefix, (call) => metrics.dynamodb.call(call));
  const encryption = buildEncryption(config, logger, { linkToken: codecLinkToken, watch: metrics.gateways.call });
  const target: TemporalTarget = { ...temporalTarget({ ...endpoints.temporal, namespace: config.TEMPORAL_NAMESPACE }), ...(encryption && { dataConverter: encryption.dataConverter }) };
  const temporal = new Temporal(target, metrics.gateways.call);
  const sagemaker = sagemakerClient({ region, ...endpoints.sagemaker, watch: metrics.gateways.call });
  const ledger = new Ledger(db);
  metrics.ledger.watchBacklog(() => ledger.backlog(Date.now()));
  const decisionStore = new DecisionStore(db);
  const investigations = new InvestigationStore(db);
  const { rules, currentRules, settings, endpoint, openEndpoint, shadow, challengers, driftWatch } = buildModels({ config, db, sagemaker, metrics, onFault });
  const decided = (path: 'request' | 'stream') => (draft: Draft) => {
    metrics.fraud.decision(draft.record.decision, draft.shadowHits, path);
    noteDecision(draft, note);
    shadow.observe(draft);
    driftWatch.observe(draft);
  };
  const starts = new Starts({ temporal, ledger, onResult: (result) => metrics.ledger.start(result) });
  const startSoon = starts.startSoon.bind(starts);
  const policy = investigationPolicy(config);
  const drafts = new Drafts({ ledger, investigations, rules: currentRules }, { rescoreAfterMs: config.LONGWATCH_RESCORE_AFTER_MS, policy });
  const decisions = new Decisions(
    { decisions: decisionStore, drafts, endpoint, startSoon, onDecision: decided('request') },
    { modelDeadlineMs: config.LONGWATCH_MODEL_DEADLINE_MS, deadlineMs: config.LONGWATCH_DECISION_DEADLINE_MS },
  );
  const decisionBatches = new DecisionBatches(
    // Its own circuit: a batch has more time than a request, and what is too late for one need not be for the other.
    { decisions: decisionStore, drafts, endpoint: openEndpoint(), startSoon, onDecision: decided('stream') },
    { modelDeadlineMs: config.LONGWATCH_STREAM_MODEL_DEADLINE_MS, withoutModel: config.LONGWATCH_STREAM_WITHOUT_MODEL },
  );
  const cases = new Cases({ decisions: decisionStore, investigations, ledger, endpoint, rules: currentRules, startSoon, db }, policy);

  const attestations = new AttestationStore(db);
  const notificationStore = new NotificationStore(db);
  const onSkipped = (work: SkippingWork) => (entity: string, error: unknown): void => {
    metrics.skips.skipped(work);
    note({ area: 'platform', tone: 'problem', text: `${work} was skipped for one, because a step was refused for good` });
    logger.error({ err: error, work, entity }, 'an entity was skipped, because a step for it was refused for good');
  };
  const notifications = new Notifications(notificationStore, channels(config, signingSecret, metrics.gateways.call), onSkipped('message'));
  const links = new AnswerLinks(signingSecret, publicUrl);
  const updates = new CaseUpdates({ temporal, attestations, investigations });

  /** Starts a workflow unless it runs already. */
  const startOnce = ({ type, ...options }: StandingWorkflow) =>
    temporal.within(() =>
      temporal.client.workflow.start(type, {
        ...options,
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      }),
    );

  const letters = new DeadLetterStore(db);
  const keepLetters = async (some: readonly DeadLetter[]): Promise<void> => {
    await letters.keep(some);
    for (const { source, shardId, position, reason } of some) {
      metrics.streams.deadLetters(source, 1);
      note({ area: 'platform', tone: 'problem', text: `what came by ${source} could not be processed: a dead letter` });
      logger.error({ source, shard: shardId, position, reason }, 'what fails for good was kept as a dead letter');
    }
  };

  const shared: Shared = { config, endpoints, db, dynamodb, ledger, temporal, notifications, metrics, logger, signingSecret, publicUrl, startSoon, startOnce, onFault, onSkipped, letters, keepLetters, note, ...(attemptMs !== undefined && { attemptMs }) };
  const parts = capabilities.map((build) => build(shared));

  const streams = [...fraudStreams(shared, decisionBatches), ...parts.flatMap((part) => part.streams ?? [])];
  const consumers = buildConsumers(shared, letters, streams);
  const redrivers: Record<string, Redriver> = { ...consumers, ...Object.assign({}, ...parts.map((part) => part.redrivers)), [DEBT_LETTERS]: new DebtRedriver({ starts, cases, letters }) };
  for (const source of Object.keys(redrivers)) metrics.streams.deadLetters(source, 0);
  const deadLetters = new DeadLetters({ letters, redrivers });
  const startRedrive = async (stream: string): Promise<string> => {
    const workflowId = redriveWorkflowId(stream);
    await startOnce({ type: REDRIVE_TYPE, workflowId, taskQueue: PLATFORM_QUEUE, args: [{ stream }], staticSummary: `Dead letters of ${stream}, once more` });
    return workflowId;
  };
  const standing: StandingWorkflow[] = [
    reconcilerWorkflow,
    { type: RELAY_TYPE, workflowId: RELAY_ID, taskQueue: PLATFORM_QUEUE, args: [], staticSummary: 'Pays what is owed' },
    ...(config.LONGWATCH_STREAMS_BY === 'workflow' ? streams : []).map(({ name, summary }): StandingWorkflow => ({
      type: STREAM_TYPE,
      workflowId: streamWorkflowId(name),
      taskQueue: PLATFORM_QUEUE,
      args: [{ stream: name }],
      staticSummary: summary,
    })),
    ...parts.flatMap((part) => part.standing),
  ];
  const reconciler = buildReconciler(shared, { rows: [caseRows({ investigations, decisions: decisionStore }, policy), ...parts.flatMap((part) => part.rows ?? [])], standing });
  const relay = new Relay({ ledger, starts, cases, keepLetters, onFault });

  const readiness = async (worker: Readiness['worker']): Promise<Readiness> => {
    const [dynamodbState, temporalState] = await Promise.all([
      rules.currentVersion().then((): Readiness['dynamodb'] => 'ok', (): Readiness['dynamodb'] => 'unavailable'),
      temporal.state(),
    ]);
    return { dynamodb: dynamodbState, temporal: temporalState, worker };
  };
  const overview = buildOverview({
    config,
    endpoints,
    db,
    ledger,
    dynamodb,
    temporal,
    registry: metrics.registry,
    investigations,
    events,
    streams: streams.map(({ name }) => name),
    letterSources: Object.keys(redrivers),
    lastLooks: reconciler.lastLooks,
    readiness: () => readiness(workerState()),
    version,
  });

  const routes: AnyRoute[] = [
    ...overview.routes,
    ...fraudRoutes({ decisions, store: decisionStore, rules, refreshRules: () => currentRules.refresh() }),
    ...shadowRoutes({ challengers }),
    ...driftRoutes({ driftWatch }),
    ...investigationRoutes({ cases, updates, decisions: decisionStore, investigations, notifications: notificationStore }),
    ...alertRoutes({ links, investigations, updates }),
    ...reconciler.routes,
    ...deadLetterRoutes({ deadLetters, startRedrive }),
    ...(encryption?.routes ?? []),
    ...parts.flatMap((part) => part.routes),
  ];
  const activities: Partial<Record<Queue, object>> = {
    [FRAUD_QUEUE]: fraudActivities({
      decisions: decisionStore,
      investigations,
      attestations,
      endpoint,
      rules: currentRules,
      notifications,
      driftWatch,
      links,
      client: temporal.client,
    }),
    [PLATFORM_QUEUE]: platformActivities({
      relay,
      consumers,
      deadLetters,
      reconciliation: reconciler.reconciliation,
      ...(attemptMs !== undefined && { attemptMs }),
    }),
    ...Object.assign({}, ...parts.map((part) => part.activities)),
  };

  return {
    logger,
    metrics,
    temporal,
    target,
    routes,
    activities,
    consumers,
    iotReadings: parts.find((part) => part.iotReadings)?.iotReadings,
    starts,
    links,
    cases,
    onFault,

    /**
     * Tables and the first rule set, where they are missing.
     * @param tables `update` also adds what a version before this one did not have; else that is an error.
     * @throws TableMismatchError
     */
    async prepareStores(tables: 'check' | 'update' = 'check'): Promise<void> {
      if (tables === 'update') await updateTables(dynamodb, prefix);
      await prepareTables(dynamodb, prefix);
      for (const part of parts) await part.prepare?.();
      await rules.ensureDefault(defaultRules, iso(Date.now()));
    },

    /** The rules, the live model and the challenger, and whatever people make of them later. */
    startRules: async () => void (await Promise.all(settings.map((one) => one.start()))),

    /** Begins to take what comes by itself, for the queues that this process serves. */
    startListening(served: readonly Queue[]): void {
      for (const { queue, start } of parts.flatMap((part) => part.listeners ?? [])) if (served.includes(queue)) start();
    },

    /** What waits for the challenger is compared at once. */
    flushShadow: () => shadow.flush(true),

    /** What was counted of drift is written down at once. */
    flushDrift: () => driftWatch.flush(),

    /** Opens connections and compiles what the first request would otherwise wait for, past its deadline. */
    async warmUp(): Promise<void> {
      const row = featureNames.map(() => Number.NaN);
      for (let i = 0; i < 3; i++)
        await Promise.allSettled([endpoint.score([row], { deadlineMs: 2_000, explain: 'approximate' }), decisionStore.find('warm-up')]);
    },

    /** The lifecycles that are always there; started by whoever serves the operations queue. */
    async startStandingWorkflows(): Promise<void> {
      await temporal.ensureSearchAttributes();
      for (const one of standing) await startOnce(one);
      for (const { scheduleId, cron, action } of [reconciler.schedule, ...parts.flatMap((part) => part.schedules ?? [])]) await temporal.ensureSchedule(scheduleId, cron, action);
      const report: DriftReportInput = { days: config.LONGWATCH_DRIFT_REPORT_DAYS };
      await temporal.ensureSchedule(DRIFT_REPORT_ID, config.LONGWATCH_DRIFT_REPORT_CRON, {
        workflowType: DRIFT_REPORT_TYPE,
        workflowId: DRIFT_REPORT_ID,
        taskQueue: FRAUD_QUEUE,
        args: [report],
        staticSummary: 'Whether payments still look as in training',
      });
    },

    /**
     * Starts the reconciler if it does not run. It starts everything else that is lost, so that somebody must look
     * after it: every worker does.
     */
    keepReconciler: () => startOnce(reconcilerWorkflow),
    reconcileEveryMs: config.LONGWATCH_RECONCILE_EVERY_MS,

    readiness,

    /** Event streams end, so that a server that stops need not wait for their readers. */
    endStreams: () => overview.endStreams(),

    async close(): Promise<void> {
      for (const one of settings) one.stop();
      overview.close();
      await Promise.all(parts.flatMap((part) => part.listeners ?? []).map((listener) => listener.stop()));
      await Promise.all([shadow.flush(true), driftWatch.flush(), ...parts.map((part) => part.close?.())]);
      await starts.drain(5_000);
      await temporal.close();
      dynamodb.destroy();
    },
  };
}
