import { defined } from '../../../domain/defined';
import type { LastLook, LookMode, LookReport } from '../../../domain/platform/reconciliation';
import {
  PLATFORM_QUEUE,
  RECONCILIATION_TYPE,
  reconciliationId,
  type ReconciliationInput,
} from '../../../domain/platform/workflows';
import type { TemporalRuns } from '../../../gateways/temporal/runs';
import type { LastLookStore } from '../../../stores/platform/lastLooks';
import { asUnavailable } from '../outbox/workflowStarts';
import type { LookProgress } from './reconciler';

/** Returns the workflow that runs one reconciliation. */
export const lookWorkflow = (mode: LookMode, workflowId: string) => ({
  type: RECONCILIATION_TYPE,
  workflowId,
  taskQueue: PLATFORM_QUEUE,
  args: [{ mode } satisfies ReconciliationInput],
  staticSummary: `Compares rows with workflows: ${mode} reconciliation`,
});

/** The parts that {@link LookRequests} needs. */
export interface LookRequestParts {
  runs: Pick<TemporalRuns, 'latest' | 'resultOf' | 'heartbeat'>;
  looks: Pick<LastLookStore, 'read'>;
  /** Starts a workflow unless it is running already. */
  startOnce(workflow: ReturnType<typeof lookWorkflow>): Promise<unknown>;
}

/** The state of the reconciliation that was requested last, and the last reconciliation of the mode that completed. */
export interface RequestedLook {
  workflowId: string;
  status: 'running' | 'ended' | 'none';
  progress?: LookReport;
  /** Result of the requested reconciliation, once it completed. */
  asked?: LastLook;
  lastLook?: LastLook;
}

/** Reconciliations that operators request. The reconciler also runs its own. */
export class LookRequests {
  constructor(private readonly parts: LookRequestParts) {}

  /**
   * Starts a reconciliation, unless one of the same mode is already running.
   * @returns the workflow's id
   */
  async start(mode: LookMode): Promise<string> {
    const workflow = lookWorkflow(mode, reconciliationId(mode));
    await this.parts.startOnce(workflow);
    return workflow.workflowId;
  }

  /**
   * Returns the state of the requested reconciliation of a mode.
   * @throws LongwatchError `unavailable` if Temporal or DynamoDB is unavailable
   */
  async find(mode: LookMode): Promise<RequestedLook> {
    const { runs, looks } = this.parts;
    const workflowId = reconciliationId(mode);
    const [latest, lastLook] = await Promise.all([
      asUnavailable(workflowId, () => runs.latest(workflowId)),
      looks.read(mode),
    ]);
    const asked = latest && (await asUnavailable(workflowId, () => runs.resultOf<LastLook>(latest)));
    const isRunning = latest?.status === 'RUNNING';
    const progress = isRunning ? (await this.progress(workflowId))?.report : undefined;
    const status = latest === undefined ? 'none' : isRunning ? 'running' : 'ended';
    return { workflowId, status, ...defined({ progress, asked, lastLook }) };
  }

  private progress(workflowId: string): Promise<LookProgress | undefined> {
    const heartbeat = () => this.parts.runs.heartbeat(workflowId);
    return asUnavailable(workflowId, heartbeat) as Promise<LookProgress | undefined>;
  }
}
