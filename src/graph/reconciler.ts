import { defined } from '../domain/defined';
import { Reconciliation } from '../operations/platform/reconciliation/reconciliation';
import { reconciliationRoutes } from '../api/platform/reconciliations';
import type { AnyRoute } from '../api/http/routes';
import type { LifecycleRule } from '../domain/platform/lifecycle';
import { type LastLook, type LookMode, lookModes } from '../domain/platform/reconciliation';
import { TemporalRuns } from '../gateways/temporal/runs';
import { type LookProgress, Reconciler } from '../operations/platform/reconciliation/reconciler';
import type { ReconciledRows } from '../operations/platform/reconciliation/rows';
import { asUnavailable } from '../operations/platform/outbox/workflowStarts';
import { LastLookStore } from '../stores/platform/lastLooks';
import {
  PLATFORM_QUEUE,
  RECONCILER_ID,
  RECONCILER_TYPE,
  RECONCILIATION_ID,
  RECONCILIATION_TYPE,
  reconciliationId,
  type ReconciliationInput,
} from '../domain/platform/workflows';
import type { ScheduledWorkflow, Services, StandingWorkflow } from './capability';

/** A start that is owed is paid within this time by whoever owes it, or by the relay. */
const GRACE_MS = 60_000;
const PAUSE_MS = 200;

export interface ReconcilerParts {
  /** Of every capability. */
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
  staticSummary: 'Starts again workflows that were terminated or lost',
};

/** What compares rows with workflows, and how people see and ask for it. */
export function buildReconciler(
  { config, db, temporal, metrics, logger, note, startOnce, onFault }: Services,
  { rows, standing, lifecycleRule }: ReconcilerParts,
) {
  const runs = new TemporalRuns(temporal);
  const looks = new LastLookStore(db);
  const lastLooks = async (): Promise<Partial<Record<LookMode, LastLook>>> => {
    const found = await Promise.all(lookModes.map(async (mode) => [mode, await looks.read(mode)] as const));
    return Object.fromEntries(found.filter(([, look]) => look !== undefined));
  };
  metrics.reconciler.watchLastLooks(lastLooks);
  const reconciler = new Reconciler(
    {
      runs,
      looks,
      rows,
      lifecycleRule,
      standing: standing.map(({ type: workflowType, workflowId, taskQueue, args, staticSummary: summary }) => ({
        workflowType,
        workflowId,
        taskQueue,
        args,
        summary,
        searchAttributes: {},
      })),
      onRestarted(type, workflowId, why) {
        metrics.reconciler.restarted(type);
        note({
          area: 'platform',
          tone: 'problem',
          text: `A ${type} workflow was ${why} and is started again`,
          workflowId,
        });
        logger.warn(
          { workflowId, workflowType: type, why },
          'a workflow did not run although its lifecycle is open: started again',
        );
      },
      onFault,
    },
    { graceMs: Math.min(GRACE_MS, config.LONGWATCH_RECONCILE_EVERY_MS), pauseMs: PAUSE_MS },
  );
  const reconciliation = new Reconciliation({
    reconciler,
    everyMs: config.LONGWATCH_RECONCILE_EVERY_MS,
    onLook: (mode, look) => metrics.reconciler.looked(mode, look),
    onFault,
  });
  const looking = (mode: LookMode, workflowId: string) => {
    const input: ReconciliationInput = { mode };
    return {
      type: RECONCILIATION_TYPE,
      workflowId,
      taskQueue: PLATFORM_QUEUE,
      args: [input],
      staticSummary: `Compares rows with workflows: ${mode} look`,
    } as const;
  };
  const { type: workflowType, ...nightly } = looking('full', RECONCILIATION_ID);
  const schedule: ScheduledWorkflow = {
    scheduleId: RECONCILIATION_ID,
    cron: config.LONGWATCH_RECONCILE_CRON,
    action: { workflowType, ...nightly },
  };
  const routes: readonly AnyRoute[] = reconciliationRoutes({
    async start(mode) {
      const one = looking(mode, reconciliationId(mode));
      await startOnce({ ...one, args: [...one.args] });
      return one.workflowId;
    },
    async find(mode) {
      const workflowId = reconciliationId(mode);
      const [latest, lastLook] = await Promise.all([
        asUnavailable(workflowId, () => runs.latest(workflowId)),
        looks.read(mode),
      ]);
      const asked = latest && (await asUnavailable(workflowId, () => runs.resultOf<LastLook>(latest)));
      const progress =
        latest?.status === 'RUNNING'
          ? ((await asUnavailable(workflowId, () => runs.heartbeat(workflowId))) as LookProgress | undefined)?.report
          : undefined;
      const status = latest === undefined ? 'none' : latest.status === 'RUNNING' ? 'running' : 'ended';
      return {
        workflowId,
        status,
        ...defined({ progress, asked, lastLook }),
      };
    },
  });
  return { reconciliation, schedule, routes, lastLooks, lastLook: (mode: LookMode) => looks.read(mode) };
}
