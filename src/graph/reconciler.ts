import { reconciliationRoutes } from '../api/platform/reconciliations';
import type { LifecycleRule } from '../domain/platform/lifecycle';
import type { WorkflowStart } from '../domain/platform/outbox';
import type { ReconciliationMode } from '../domain/platform/reconciliation';
import { PLATFORM_QUEUE, RECONCILER_ID, RECONCILER_TYPE, RECONCILIATION_ID } from '../domain/platform/workflows';
import { TemporalRuns } from '../gateways/temporal/runs';
import { Reconciler } from '../operations/platform/reconciliation/reconciler';
import { ReconciliationLoop } from '../operations/platform/reconciliation/reconciliationLoop';
import { ReconciliationRequests, reconciliationWorkflow } from '../operations/platform/reconciliation/requests';
import type { ReconciledRows } from '../operations/platform/reconciliation/reconciledRows';
import { ReconciliationReportStore } from '../stores/platform/reconciliationReports';
import type { ScheduledWorkflow, Services, StandingWorkflow } from './capability';

/** Grace period: within this time, the process that recorded an outbox entry or the relay has started the workflow. */
const GRACE_MS = 60_000;
/** Pause between two pages of a reconciliation. */
const PAUSE_MS = 200;

/** The parts that {@link buildReconciler} needs. */
export interface ReconcilerParts {
  /** The rows of all capabilities. */
  rows: readonly ReconciledRows[];
  standing: readonly StandingWorkflow[];
  lifecycleRule(type: string): LifecycleRule | undefined;
}

/** The reconciler that every worker keeps running. */
export const reconcilerWorkflow: StandingWorkflow = {
  type: RECONCILER_TYPE,
  workflowId: RECONCILER_ID,
  taskQueue: PLATFORM_QUEUE,
  args: [],
  staticSummary: 'Restarts workflows that were terminated or lost',
};

/** Builds the reconciler, and the routes and figures with which operators request and see reconciliations. */
export function buildReconciler(services: Services, parts: ReconcilerParts) {
  const { config, db, temporal, metrics, startOnce, onFault } = services;
  const runs = new TemporalRuns(temporal);
  const reports = new ReconciliationReportStore(db);
  metrics.reconciler.watchReports(() => reports.readAll());
  const reconciler = new Reconciler(
    {
      runs,
      reports,
      rows: parts.rows,
      lifecycleRule: parts.lifecycleRule,
      standing: parts.standing.map(startOf),
      onRestarted: (type, workflowId, why) => reportRestart(services, type, workflowId, why),
      onFault,
    },
    { graceMs: Math.min(GRACE_MS, config.LONGWATCH_RECONCILE_EVERY_MS), pauseMs: PAUSE_MS },
  );
  const reconciliation = new ReconciliationLoop({
    reconciler,
    everyMs: config.LONGWATCH_RECONCILE_EVERY_MS,
    onReconciled: (mode, report) => metrics.reconciler.reconciled(mode, report),
    onFault,
  });
  const requests = new ReconciliationRequests({ runs, reports, startOnce });
  return {
    reconciliation,
    schedule: nightlyLook(config.LONGWATCH_RECONCILE_CRON),
    routes: reconciliationRoutes({ start: (mode) => requests.start(mode), find: (mode) => requests.find(mode) }),
    lastLooks: () => reports.readAll(),
    lastLook: (mode: ReconciliationMode) => reports.read(mode),
  };
}

const startOf = ({ type, workflowId, taskQueue, args, staticSummary }: StandingWorkflow): WorkflowStart => ({
  workflowType: type,
  workflowId,
  taskQueue,
  args,
  summary: staticSummary,
  searchAttributes: {},
});

function reportRestart(
  { metrics, note, logger }: Services,
  workflowType: string,
  workflowId: string,
  why: string,
): void {
  metrics.reconciler.restarted(workflowType);
  const text = `A ${workflowType} workflow was ${why} and was restarted`;
  note({ area: 'platform', tone: 'problem', text, workflowId });
  logger.warn({ workflowId, workflowType, why }, 'a workflow with an open lifecycle did not run and was restarted');
}

function nightlyLook(cron: string): ScheduledWorkflow {
  const { type: workflowType, ...action } = reconciliationWorkflow('full', RECONCILIATION_ID);
  return { scheduleId: RECONCILIATION_ID, cron, action: { workflowType, ...action } };
}
