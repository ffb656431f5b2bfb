import { fraudActivities } from '../../activities/fraud';
import { alertRoutes } from '../../api/fraud/alerts';
import { driftRoutes } from '../../api/fraud/drift';
import { investigationRoutes } from '../../api/fraud/investigations';
import { shadowRoutes } from '../../api/fraud/challenger';
import { fraudRoutes } from '../../api/fraud/transactions';
import { defaultRules } from '../../domain/fraud/defaultRules';
import { featureNames } from '../../domain/fraud/features';
import {
  DRIFT_REPORT_ID,
  DRIFT_REPORT_TYPE,
  type DriftReportInput,
  FRAUD_QUEUE,
  type InvestigationPolicy,
} from '../../domain/fraud/workflows';
import { iso } from '../../domain/ids';
import { AnswerLinks } from '../../gateways/fraud/answerLinks';
import { caseRows } from '../../operations/fraud/reconciledRows';
import { CaseOpener } from '../../operations/fraud/caseOpener';
import { SignedCaseRequests } from '../../operations/fraud/signedCaseRequests';
import { rescoreKind, Rescores } from '../../operations/fraud/rescores';
import { UserHoldStore } from '../../stores/fraud/userHolds';
import { AttestationStore } from '../../stores/fraud/attestations';
import { DecisionStore } from '../../stores/fraud/decisions';
import { InvestigationStore } from '../../stores/fraud/investigations';
import type { CapabilityInstance, ScheduledWorkflow, Services } from '../capability';
import { buildModels, type FraudModels } from './models';
import { buildDecisions } from './decisions';
import { kinesisTransactions, merchantStream } from './streams';
import type { SettingsOf } from '../../config';
import type { fraudSettings } from '../../config/fraud';
import type { FraudMetrics } from '../../metrics/fraud';
import type { Db } from '../../stores/dynamodb';

/** Returns the policy of investigations. */
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

type FraudServices = Services<typeof fraudSettings>;

/** Builds the capability: decisions for requests and the stream, and the investigations that they open. */
export function buildFraud(services: FraudServices, metrics: FraudMetrics): CapabilityInstance {
  const { config, db, outbox, temporal, notifications, signingSecret, publicUrl } = services;
  const stores = openStores(db);
  const models = buildModels(services, metrics);
  const { rules, currentRules, endpoint, challengers, driftWatch } = models;
  const policy = investigationPolicy(config);
  const { decisions, decisionBatches } = buildDecisions(services, metrics, { stores, models, policy });
  const cases = new CaseOpener({ ...stores, outbox, db }, policy);
  const rescores = new Rescores({ ...stores, cases, endpoint, rules: currentRules, db });
  const links = new AnswerLinks(signingSecret, publicUrl);
  const updates = new SignedCaseRequests({ temporal, ...stores });
  return {
    routes: [
      ...fraudRoutes({ decisions, store: stores.decisions, rules, refreshRules: () => currentRules.refresh() }),
      ...shadowRoutes({ challengers }),
      ...driftRoutes({ driftWatch }),
      ...investigationRoutes({ cases, updates, ...stores }),
      ...alertRoutes({ links, updates, ...stores }),
    ],
    activities: {
      [FRAUD_QUEUE]: fraudActivities({
        ...stores,
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
    rows: [caseRows(stores, policy)],
    outboxKinds: [rescoreKind(rescores)],
    streams: [merchantStream(services), ...kinesisTransactions(services, decisionBatches)],
    cases: stores.investigations,
    ...processSteps(models, stores),
  };
}

const openStores = (db: Db) => ({
  decisions: new DecisionStore(db),
  investigations: new InvestigationStore(db),
  attestations: new AttestationStore(db),
  userHolds: new UserHoldStore(db),
});

/** The steps of fraud when its process starts, serves and stops. */
function processSteps(
  { rules, settings, endpoint, shadow, driftWatch }: FraudModels,
  { decisions }: ReturnType<typeof openStores>,
): Pick<CapabilityInstance, 'prepare' | 'load' | 'warmUp' | 'flush' | 'close'> {
  const flush = async (): Promise<void> => void (await Promise.all([shadow.flush(true), driftWatch.flush()]));
  return {
    prepare: async () => void (await rules.ensureDefault(defaultRules, iso(Date.now()))),
    load: async () => void (await Promise.all(settings.map((one) => one.start()))),
    async warmUp() {
      const row = featureNames.map(() => Number.NaN);
      for (let i = 0; i < 3; i++)
        await Promise.allSettled([
          endpoint.score([row], { deadlineMs: 2_000, explain: 'approximate' }),
          decisions.find('warm-up'),
        ]);
    },
    flush,
    async close() {
      for (const one of settings) one.stop();
      await flush();
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
      staticSummary: 'Compares recent payments with the training data (drift)',
    },
  };
}
