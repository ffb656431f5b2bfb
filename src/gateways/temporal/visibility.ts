import type { Temporal } from '.';

/** How a task queue stands, over all processes. */
export interface QueueState {
  queue: string;
  /** Processes that asked for work within the last minutes. */
  workers: number;
  /** Tasks that wait for a worker, workflow and activity tasks together; Temporal estimates it. */
  backlog: number;
  /** How long the oldest of them waits, in milliseconds. */
  backlogAgeMs: number;
}

export interface ListedWorkflow {
  workflowId: string;
  runId: string;
  type: string;
  status: string;
  /** Epoch ms. */
  startedAt: number;
  closedAt?: number;
}

const TASK_QUEUE_TYPES = [1, 2] as const; // Workflow, activity.

/** What people who watch want to know of Temporal. Each call is bounded; none is on a request's path. */
export class TemporalLook {
  constructor(private readonly temporal: Temporal) {}

  /** Two calls a queue. */
  async queues(names: readonly string[]): Promise<QueueState[]> {
    return Promise.all(names.map((queue) => this.queue(queue)));
  }

  /** Running workflows by type; a visibility call a type. */
  async running(types: readonly string[]): Promise<Record<string, number>> {
    const counts = await Promise.all(
      types.map((type) => this.count(`WorkflowType = '${type}' AND ExecutionStatus = 'Running'`)),
    );
    return Object.fromEntries(types.map((type, i) => [type, counts[i] ?? 0]));
  }

  async count(query: string): Promise<number> {
    const { count } = await this.temporal.within(() => this.temporal.client.workflow.count(query), CALL_MS);
    return count;
  }

  /** The first `limit` that a query finds; one visibility call. */
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

/** By number, as `temporal.api.enums.v1.WorkflowExecutionStatus` has them. */
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

/** Of a protobuf timestamp or duration. */
function epochMs(time: { seconds?: unknown; nanos?: number | null } | null | undefined): number {
  return time ? Number(time.seconds ?? 0) * 1_000 + Math.floor((time.nanos ?? 0) / 1e6) : 0;
}
