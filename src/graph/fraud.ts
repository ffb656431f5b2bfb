import { fraudActivities } from '../activities/fraud';
import { alertRoutes } from '../api/fraud/alerts';
import { driftRoutes } from '../api/fraud/drift';
import { investigationRoutes } from '../api/fraud/investigations';
import { shadowRoutes } from '../api/fraud/shadow';
import { fraudRoutes } from '../api/fraud/transactions';
import { defaultRules } from '../domain/fraud/defaultRules';
import { featureNames } from '../domain/fraud/features';
import {
  DRIFT_REPORT_ID,
  DRIFT_REPORT_TYPE,
  type DriftReportInput,
  FRAUD_QUEUE,
  type InvestigationPolicy,
  TRANSACTION_HISTORY_STREAM,
  TRANSACTIONS_STREAM,
  INVESTIGATION_TYPE,
} from '../domain/fraud/workflows';
import { iso } from '../domain/ids';
import { AnswerLinks } from '../gateways/fraud/answerLinks';
import { sagemakerClient } from '../gateways/fraud/sagemaker';
import { kinesisClient, KinesisStream } from '../gateways/streams/kinesisStream';
import { caseRows } from '../operations/fraud/caseRows';
import { Cases } from '../operations/fraud/cases';
import { CaseUpdates } from '../operations/fraud/caseUpdates';
import { DecisionBatches } from '../operations/fraud/decisionBatches';
import { Decisions } from '../operations/fraud/decisions';
import { type Draft, Drafts } from '../operations/fraud/drafts';
import { merchantCounters } from '../operations/fraud/merchantCounters';
import { rescores } from '../operations/fraud/rescores';
import { transactionStream } from '../operations/fraud/transactionStream';
import { foldingHandler } from '../operations/platform/streams/foldingHandler';
import { AttestationStore } from '../stores/fraud/attestations';
import { DecisionStore } from '../stores/fraud/decisions';
import { InvestigationStore } from '../stores/fraud/investigations';
import { MerchantStore } from '../stores/fraud/merchants';
import {
  declareCapability,
  type CapabilityInstance,
  type ReadStream,
  type ScheduledWorkflow,
  type Services,
  readStream,
} from './capability';
import { tableStream } from './consumers';
import { buildModels } from './fraudModels';
import { noteDecision } from './fraudNotes';
import type { SettingsOf } from '../config';
import { fraudSettings } from '../config/fraud';
import { fraudLifecycles } from '../domain/fraud/lifecycles';
import { FraudMetrics } from '../metrics/fraud';
import { fraudGrants } from '../stores/fraud/grants';
import { fraudTables } from '../stores/fraud/tables';

/** How cases are run, from the configuration. */
export function investigationPolicy(config: SettingsOf<typeof fraudSettings>): InvestigationPolicy {
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

/** Fraud decisions by request and by stream, and the investigations that they open. */
function buildFraud(services: Services<typeof fraudSettings>, metrics: FraudMetrics): CapabilityInstance {
  const { config, endpoints, db, outbox, watchCall, temporal, notifications, signingSecret, publicUrl, note } =
    services;
  const decisionStore = new DecisionStore(db);
  const investigations = new InvestigationStore(db);
  const attestations = new AttestationStore(db);
  const sagemaker = sagemakerClient({ region: config.AWS_REGION, ...endpoints.sagemaker, watch: watchCall });
  const { rules, currentRules, settings, endpoint, openEndpoint, shadow, challengers, driftWatch } = buildModels(
    services,
    metrics,
    sagemaker,
  );
  const decided = (path: 'request' | 'stream') => (draft: Draft) => {
    metrics.decision(draft.record.decision, draft.shadowHits, path);
    noteDecision(draft, note);
    shadow.observe(draft);
    driftWatch.observe(draft);
  };
  const policy = investigationPolicy(config);
  const drafts = new Drafts(
    { outbox, investigations, rules: currentRules },
    { rescoreAfterMs: config.LONGWATCH_RESCORE_AFTER_MS, policy },
  );
  const decisions = new Decisions(
    { decisions: decisionStore, drafts, endpoint, outbox, onDecision: decided('request') },
    { modelDeadlineMs: config.LONGWATCH_MODEL_DEADLINE_MS, deadlineMs: config.LONGWATCH_DECISION_DEADLINE_MS },
  );
  const decisionBatches = new DecisionBatches(
    // A circuit breaker of its own: a batch has more time than a request, so a model that is too slow for requests may
    // serve it.
    { decisions: decisionStore, drafts, endpoint: openEndpoint(), outbox, onDecision: decided('stream') },
    { modelDeadlineMs: config.LONGWATCH_STREAM_MODEL_DEADLINE_MS, withoutModel: config.LONGWATCH_STREAM_WITHOUT_MODEL },
  );
  const cases = new Cases(
    { decisions: decisionStore, investigations, outbox, endpoint, rules: currentRules, db },
    policy,
  );
  const links = new AnswerLinks(signingSecret, publicUrl);
  const updates = new CaseUpdates({ temporal, attestations, investigations });
  return {
    routes: [
      ...fraudRoutes({ decisions, store: decisionStore, rules, refreshRules: () => currentRules.refresh() }),
      ...shadowRoutes({ challengers }),
      ...driftRoutes({ driftWatch }),
      ...investigationRoutes({ cases, updates, decisions: decisionStore, investigations }),
      ...alertRoutes({ links, investigations, updates }),
    ],
    activities: {
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
    },
    standing: [],
    schedules: [driftReport(config)],
    rows: [caseRows({ investigations, decisions: decisionStore }, policy)],
    outboxKinds: [rescores(cases)],
    streams: [merchantStream(services), ...kinesisTransactions(services, decisionBatches)],
    cases: investigations,
    prepare: async () => void (await rules.ensureDefault(defaultRules, iso(Date.now()))),
    load: async () => void (await Promise.all(settings.map((one) => one.start()))),
    async warmUp() {
      const row = featureNames.map(() => Number.NaN);
      for (let i = 0; i < 3; i++)
        await Promise.allSettled([
          endpoint.score([row], { deadlineMs: 2_000, explain: 'approximate' }),
          decisionStore.find('warm-up'),
        ]);
    },
    flush: async () => void (await Promise.all([shadow.flush(true), driftWatch.flush()])),
    async close() {
      for (const one of settings) one.stop();
      await Promise.all([shadow.flush(true), driftWatch.flush()]);
    },
  };
}

function driftReport(config: SettingsOf<typeof fraudSettings>): ScheduledWorkflow {
  const report: DriftReportInput = { days: config.LONGWATCH_DRIFT_REPORT_DAYS };
  return {
    scheduleId: DRIFT_REPORT_ID,
    cron: config.LONGWATCH_DRIFT_REPORT_CRON,
    action: {
      workflowType: DRIFT_REPORT_TYPE,
      workflowId: DRIFT_REPORT_ID,
      taskQueue: FRAUD_QUEUE,
      args: [report],
      staticSummary: 'Whether payments still look as in training',
    },
  };
}

const merchantStream = (services: Services): ReadStream =>
  readStream({
    name: TRANSACTION_HISTORY_STREAM,
    summary: 'Merchants’ counters from the history of transactions',
    source: tableStream(services, 'TransactionHistory'),
    handler: foldingHandler(merchantCounters(new MerchantStore(services.db))),
  });

/** Transactions of the Kinesis stream, where one is configured. */
function kinesisTransactions(
  { config, endpoints, watchCall }: Services<typeof fraudSettings>,
  decisionBatches: DecisionBatches,
): ReadStream[] {
  const { streams, ...kinesis } = endpoints.kinesis ?? {};
  const stream = streams?.['LONGWATCH_TRANSACTIONS_STREAM'];
  if (stream === undefined) return [];
  return [
    readStream({
      name: TRANSACTIONS_STREAM,
      summary: 'Decides the transactions of the Kinesis stream',
      source: new KinesisStream(kinesisClient({ region: config.AWS_REGION, ...kinesis, watch: watchCall }), stream),
      handler: transactionStream(decisionBatches, config.LONGWATCH_STREAM_BATCH),
    }),
  ];
}

/** Fraud decisions and investigations. */
export const fraud = declareCapability({
  name: 'fraud',
  title: 'Fraud',
  tables: fraudTables,
  grants: fraudGrants,
  queues: { [FRAUD_QUEUE]: { concurrentActivities: 50, group: 'requests' } },
  lifecycles: fraudLifecycles,
  workflowsPath: () => require.resolve('../workflows/fraud'),
  workflowIds: { investigation: ['transactionId'] },
  requestIds: {
    names: ['transactionId', 'userId', 'merchantId'],
    collections: { transactions: 'transactionId', investigations: 'transactionId' },
  },
  settings: fraudSettings,
  parts: { sagemaker: 'required', kinesis: 'embedded' },
  kinesisStreams: [
    { setting: 'LONGWATCH_TRANSACTIONS_STREAM', fallback: 'longwatch-transactions', fallbackWith: 'endpoint' },
  ],
  functions: [
    {
      name: 'transactions',
      source: { kinesis: 'LONGWATCH_TRANSACTIONS_STREAM' },
      stream: TRANSACTIONS_STREAM,
      uses: ['sagemaker'],
    },
    { name: 'merchants', source: { table: 'TransactionHistory' }, stream: TRANSACTION_HISTORY_STREAM },
  ],
  metrics: FraudMetrics,
  page: {
    lead: { label: 'payments decided', of: { labelsFrom: 'payments: ' } },
    news: { [INVESTIGATION_TYPE]: 'An investigation' },
    sizes: { Decisions: 'decisions kept' },
    counters: [{ metric: 'longwatch_fraud_decisions_total', label: ({ outcome }) => `payments: ${outcome}` }],
  },
  build: buildFraud,
});
