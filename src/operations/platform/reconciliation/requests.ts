import { defined } from '../../../domain/defined';
import type {
  ReconciliationReport,
  ReconciliationMode,
  ReconciliationCounts,
} from '../../../domain/platform/reconciliation';
import {
  PLATFORM_QUEUE,
  RECONCILIATION_TYPE,
  reconciliationId,
  type ReconciliationInput,
} from '../../../domain/platform/workflows';
import type { TemporalRuns } from '../../../gateways/temporal/runs';
import type { ReconciliationReportStore } from '../../../stores/platform/reconciliationReports';
import { asUnavailable } from '../outbox/workflowStarts';
import type { ReconciliationProgress } from './reconciler';

/** Returns the workflow that runs one reconciliation. */
export const reconciliationWorkflow = (mode: ReconciliationMode, workflowId: string) => ({
  type: RECONCILIATION_TYPE,
  workflowId,
  taskQueue: PLATFORM_QUEUE,
  args: [{ mode } satisfies ReconciliationInput],
  staticSummary: `Compares rows with workflows: ${mode} reconciliation`,
});

/** The parts that {@link ReconciliationRequests} needs. */
export interface ReconciliationRequestParts {
  runs: Pick<TemporalRuns, 'latest' | 'resultOf' | 'heartbeat'>;
  reports: Pick<ReconciliationReportStore, 'read'>;
  /** Starts a workflow unless it is running already. */
  startOnce(workflow: ReturnType<typeof reconciliationWorkflow>): Promise<unknown>;
}

/** The state of the reconciliation that was requested last, and the last reconciliation of the mode that completed. */
export interface RequestedReconciliation {
  workflowId: string;
  status: 'running' | 'ended' | 'none';
  progress?: ReconciliationCounts;
  /** Result of the requested reconciliation, once it completed. */
  asked?: ReconciliationReport;
  lastLook?: ReconciliationReport;
}

/** Reconciliations that operators request. The reconciler also runs its own. */
export class ReconciliationRequests {
  constructor(private readonly parts: ReconciliationRequestParts) {}

  /**
   * Starts a reconciliation, unless one of the same mode is already running.
   * @returns the workflow's id
   */
  async start(mode: ReconciliationMode): Promise<string> {
    const workflow = reconciliationWorkflow(mode, reconciliationId(mode));
    await this.parts.startOnce(workflow);
    return workflow.workflowId;
  }

  /**
   * Returns the state of the requested reconciliation of a mode.
   * @throws LongwatchError `unavailable` if Temporal or DynamoDB is unavailable
   */
  async find(mode: ReconciliationMode): Promise<RequestedReconciliation> {
    const { runs, reports } = this.parts;
    const workflowId = reconciliationId(mode);
    const [latest, lastLook] = await Promise.all([
      asUnavailable(workflowId, () => runs.latest(workflowId)),
      reports.read(mode),
    ]);
    const asked = latest && (await asUnavailable(workflowId, () => runs.resultOf<ReconciliationReport>(latest)));
    const isRunning = latest?.status === 'RUNNING';
    const progress = isRunning ? (await this.progress(workflowId))?.report : undefined;
    const status = latest === undefined ? 'none' : isRunning ? 'running' : 'ended';
    return { workflowId, status, ...defined({ progress, asked, lastLook }) };
  }

  private progress(workflowId: string): Promise<ReconciliationProgress | undefined> {
    const heartbeat = () => this.parts.runs.heartbeat(workflowId);
    return asUnavailable(workflowId, heartbeat) as Promise<ReconciliationProgress | undefined>;
  }
}
