import type { Temporal } from '.';

/** State of a task queue, over all processes. */
export interface QueueState {
  queue: string;
  /** Number of processes that polled for tasks within the last minutes. */
  workers: number;
  /** Estimated number of workflow and activity tasks that wait for a worker. */
  backlog: number;
  /** Age of the oldest waiting task, in milliseconds. */
  backlogAgeMs: number;
}

/** A workflow in a list, as visibility has it. Times are epoch ms. */
export interface ListedWorkflow {
  workflowId: string;
  runId: string;
  type: string;
  status: string;
  startedAt: number;
  closedAt?: number;
}

const TASK_QUEUE_TYPES = [1, 2] as const; // Workflow, activity.

/** Queries of Temporal for the overview page. Each call has a deadline of 2 s, and no request waits for them. */
export class TemporalOverview {
  constructor(private readonly temporal: Temporal) {}

  /** Returns the state of task queues. Makes two calls per queue. */
  async queues(names: readonly string[]): Promise<QueueState[]> {
    return Promise.all(names.map((queue) => this.queue(queue)));
  }

  /** Returns the number of running workflows by type. Makes one visibility call per type. */
  async running(types: readonly string[]): Promise<Record<string, number>> {
    const counts = await Promise.all(
      types.map((type) => this.count(`WorkflowType = '${type}' AND ExecutionStatus = 'Running'`)),
    );
    return Object.fromEntries(types.map((type, i) => [type, counts[i] ?? 0]));
  }

  /** Returns the number of workflows that a visibility query finds. */
  async count(query: string): Promise<number> {
    const { count } = await this.temporal.within(() => this.temporal.client.workflow.count(query), CALL_MS);
    return count;
  }

  /** Returns the first `limit` workflows that a visibility query finds. Makes one visibility call. */
  async list(query: string, limit: number): Promise<ListedWorkflow[]> {
    const { client } = this.temporal;
    const { executions } = await this.temporal.within(
      () =>
        client.workflowService.listWorkflowExecutions({ namespace: client.options.namespace, query, pageSize: limit }),
      CALL_MS,
    );
    return executions.map(({ execution, type, status, startTime, closeTime }) => ({
      workflowId: execution?.workflowId ?? '',
      runId: execution?.runId ?? '',
      type: type?.name ?? '',
      status: statuses[Number(status ?? 0)] ?? 'unknown',
      startedAt: epochMs(startTime),
      ...(closeTime && { closedAt: epochMs(closeTime) }),
    }));
  }

  private async queue(queue: string): Promise<QueueState> {
    const { client } = this.temporal;
    const described = await Promise.all(
      TASK_QUEUE_TYPES.map((taskQueueType) =>
        this.temporal.within(
          () =>
            client.workflowService.describeTaskQueue({
              namespace: client.options.namespace,
              taskQueue: { name: queue },
              taskQueueType,
              reportStats: true,
            }),
          CALL_MS,
        ),
      ),
    );
    const identities = new Set(described.flatMap(({ pollers }) => pollers ?? []).map(({ identity }) => identity));
    return {
      queue,
      workers: identities.size,
      backlog: described.reduce((sum, { stats }) => sum + Number(stats?.approximateBacklogCount ?? 0), 0),
      backlogAgeMs: Math.max(...described.map(({ stats }) => epochMs(stats?.approximateBacklogAge))),
    };
  }
}

const CALL_MS = 2_000;

/** Indexed by `temporal.api.enums.v1.WorkflowExecutionStatus`. */
const statuses = [
  'unknown',
  'running',
  'completed',
  'failed',
  'cancelled',
  'terminated',
  'continued as new',
  'timed out',
];

/** Converts a protobuf timestamp or duration to milliseconds. */
function epochMs(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  return time ? Number(time.seconds ?? 0) * 1_000 + Math.floor((time.nanos ?? 0) / 1e6) : 0;
}
