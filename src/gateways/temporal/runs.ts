import { randomUUID } from 'node:crypto';
import {
  isGrpcServiceError,
  type WorkflowExecutionStatusName,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow';
import { temporal as proto } from '@temporalio/proto';
import type { WorkflowStart } from '../../domain/platform/outbox';
import { typedSearchAttributes } from '../../domain/platform/searchAttributes';
import type { Temporal } from '.';

/** The latest run of a workflow id. */
export interface LatestRun {
  workflowId: string;
  runId: string;
  type: string;
  status: WorkflowExecutionStatusName;
  /** How often the reconciler has restarted this workflow. */
  restarts: number;
  /** Whether this run was created by a reset. False for a later run after continue-as-new. */
  isReset: boolean;
}

/** A run in a list of workflows. */
export interface EndedRun {
  workflowId: string;
  type: string;
}

/** Memo of a workflow that the reconciler restarted: the number of restarts. */
const RESTARTS = 'longwatchRestarts';
/** Workflows on a page. */
const PAGE = 200;
/** Maximum number of ids in one visibility query. */
const IDS_A_QUERY = 50;
/** Ids that need no escaping in a visibility query. */
const QUOTABLE = /^[\w.:@/#-]+$/;
const { WorkflowIdReusePolicy, WorkflowIdConflictPolicy } = proto.api.enums.v1;
const LIST_DEADLINE_MS = 10_000;

/** Workflow runs for the reconciler: finds, starts and ends them. Of these calls only a start is a billable action. */
export class TemporalRuns {
  constructor(private readonly temporal: Temporal) {}

  /**
   * Returns the latest run of a workflow id. The answer is consistent, unlike visibility.
   * @returns undefined if there was never such a workflow, or its retention has ended
   */
  async latest(workflowId: string): Promise<LatestRun | undefined> {
    try {
      const { runId, type, status, memo, raw } = await this.temporal.within(() =>
        this.temporal.client.workflow.getHandle(workflowId).describe(),
      );
      return {
        workflowId,
        runId,
        type,
        status: status.name,
        restarts: Number(memo?.[RESTARTS] ?? 0),
        isReset: Boolean(raw.workflowExtendedInfo?.lastResetTime),
      };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  /** Returns the result of a run; undefined if the run did not complete. */
  async resultOf<Result>({ workflowId, runId, status }: LatestRun): Promise<Result | undefined> {
    if (status !== 'COMPLETED') return undefined;
    return this.temporal.within(() =>
      this.temporal.client.workflow.getHandle(workflowId, runId).result(),
    ) as Promise<Result>;
  }

  /**
   * Returns the last heartbeat of the activity that a workflow waits for. Temporal updates it about every 24 seconds.
   */
  async heartbeat(workflowId: string): Promise<unknown> {
    const { client } = this.temporal;
    const { raw } = await this.temporal.within(() => client.workflow.getHandle(workflowId).describe());
    const [reported] = await decodeArrayFromPayloads(
      client.options.loadedDataConverter,
      raw.pendingActivities?.[0]?.heartbeatDetails?.payloads,
    );
    return reported;
  }

  /**
   * Returns those of the ids that visibility lists as running. Visibility may lag by seconds, so check a missing id
   * with {@link latest}.
   */
  async running(workflowIds: readonly string[]): Promise<Set<string>> {
    const found = new Set<string>();
    const quotable = workflowIds.filter((id) => QUOTABLE.test(id));
    for (let i = 0; i < quotable.length; i += IDS_A_QUERY) {
      const ids = quotable.slice(i, i + IDS_A_QUERY).map((id) => `'${id}'`);
      const { items } = await this.list(`WorkflowId IN (${ids.join(', ')}) AND ExecutionStatus = 'Running'`, undefined);
      for (const { workflowId } of items) found.add(workflowId);
    }
    return found;
  }

  /** Returns a page of runs that were terminated, cancelled, failed or timed out since a time (epoch ms). */
  endedBadly(since: number, cursor: string | undefined): Promise<{ items: EndedRun[]; cursor?: string }> {
    return this.list(
      `ExecutionStatus IN ('Terminated', 'Canceled', 'Failed', 'TimedOut') AND CloseTime >= ` +
        `'${new Date(since).toISOString()}'`,
      cursor,
    );
  }

  /** Returns a page of running workflows of a type. */
  runningOf(type: string, cursor: string | undefined): Promise<{ items: EndedRun[]; cursor?: string }> {
    return this.list(`WorkflowType = '${type}' AND ExecutionStatus = 'Running'`, cursor);
  }

  /**
   * Starts a workflow whose last run has ended.
   * @param before the last run. Unless it completed, the server checks that it is still the last one and did not
   * complete.
   * @returns false if another run was started meanwhile
   */
  async restart(start: WorkflowStart, before: LatestRun | undefined): Promise<boolean> {
    try {
      await this.temporal.within(() =>
        this.temporal.client.workflow.start(start.workflowType, {
          workflowId: start.workflowId,
          taskQueue: start.taskQueue,
          args: start.args,
          workflowIdReusePolicy:
            before === undefined || before.status === 'COMPLETED' ? 'ALLOW_DUPLICATE' : 'ALLOW_DUPLICATE_FAILED_ONLY',
          workflowIdConflictPolicy: 'FAIL',
          staticSummary: start.summary,
          typedSearchAttributes: typedSearchAttributes(start.searchAttributes),
          memo: { [RESTARTS]: (before?.restarts ?? 0) + 1 },
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }

  /**
   * Starts a workflow again with the input of its last run. Copies the payloads as they are stored, encrypted or not.
   * @returns false if another run was started meanwhile, or the history no longer exists
   */
  async repeat(before: LatestRun): Promise<boolean> {
    const { client } = this.temporal;
    const { namespace } = client.options;
    const { workflowId, runId } = before;
    const { history } = await this.temporal.within(() =>
      client.workflowService.getWorkflowExecutionHistory({
        namespace,
        execution: { workflowId, runId },
        maximumPageSize: 1,
      }),
    );
    const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
    if (!started) return false;
    try {
      await this.temporal.within(() =>
        client.workflowService.startWorkflowExecution({
          namespace,
          workflowId,
          workflowType: started.workflowType ?? null,
          taskQueue: started.taskQueue ?? null,
          input: started.input ?? null,
          header: started.header ?? null,
          searchAttributes: started.searchAttributes ?? null,
          userMetadata: history?.events?.[0]?.userMetadata ?? null,
          workflowTaskTimeout: started.workflowTaskTimeout ?? null,
          requestId: randomUUID(),
          identity: 'longwatch-reconciler',
          workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
          memo: {
            fields: { ...started.memo?.fields, [RESTARTS]: defaultPayloadConverter.toPayload(before.restarts + 1) },
          },
        }),
      );
      return true;
    } catch (error) {
      if (isGrpcServiceError(error) && error.code === ALREADY_EXISTS) return false;
      throw error;
    }
  }

  /** Terminates a run whose workflow has nothing left to do. A run that has already ended stays unchanged. */
  async terminate({ workflowId, runId }: Pick<LatestRun, 'workflowId' | 'runId'>, reason: string): Promise<void> {
    try {
      await this.temporal.within(() => this.temporal.client.workflow.getHandle(workflowId, runId).terminate(reason));
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }

  private async list(query: string, cursor: string | undefined): Promise<{ items: EndedRun[]; cursor?: string }> {
    const { client } = this.temporal;
    const nextPageToken = cursor === undefined ? new Uint8Array() : Buffer.from(cursor, 'base64');
    const answer = await this.temporal.within(
      () =>
        client.workflowService.listWorkflowExecutions({
          namespace: client.options.namespace,
          query,
          pageSize: PAGE,
          nextPageToken,
        }),
      LIST_DEADLINE_MS,
    );
    const items = answer.executions.map(({ execution, type }) => ({
      workflowId: execution?.workflowId ?? '',
      type: type?.name ?? '',
    }));
    return {
      items,
      ...(answer.nextPageToken.length > 0 && { cursor: Buffer.from(answer.nextPageToken).toString('base64') }),
    };
  }
}

/** gRPC status code. */
const ALREADY_EXISTS = 6;
