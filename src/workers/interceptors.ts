import type { ActivityInterceptorsFactory, InjectedSinks, WorkerOptions } from '@temporalio/worker';
import { defined } from '../domain/defined';
import { type Carrier, parseTraceparent, spanIdOfRun } from '../domain/platform/carrier';
import { subjectsOf, type WorkflowIds } from '../domain/platform/workflowSubjects';
import { withCarrier } from '../telemetry/carrier';
import { withIds } from '../telemetry/ids';
import { recordPastSpan } from '../telemetry/runs';
import { childSpan } from '../telemetry/spans';
import { carrierIn } from '../domain/platform/carrierHeader';
import type { RunSinks } from '../workflows/interceptors';

/**
 * Activity interceptors: every activity runs in the trace and with the ids of the request that caused its workflow, so
 * that log lines and calls can be found by them. Without a request it is logged with the workflow's ids and not traced.
 */
const activity =
  (workflowIds: WorkflowIds): ActivityInterceptorsFactory =>
  ({ info }) => {
    const { activityType, attempt, workflowExecution, workflowType = 'none' } = info;
    const { workflowId = 'none', runId = 'none' } = workflowExecution ?? {};
    const subjects = subjectsOf(workflowIds, workflowId);
    const ids = { workflowId, runId, activity: activityType, attempt, ...subjects };
    const attributes = {
      'temporal.activity.type': activityType,
      'temporal.activity.attempt': attempt,
      'temporal.workflow.type': workflowType,
      'temporal.run_id': runId,
    };
    let carrier: Carrier | undefined;
    return {
      inbound: {
        execute(input, next) {
          carrier = carrierIn(input.headers);
          return withIds(ids, () =>
            withCarrier(carrier, () => childSpan(`RunActivity:${activityType}`, { attributes }, () => next(input))),
          );
        },
      },
      // For the SDK's own log lines about the activity.
      outbound: {
        getLogAttributes: (input, next) =>
          next({ ...input, ...subjects, ...defined({ requestId: carrier?.requestId }) }),
      },
    };
  };

/** Records the span of a run after its end, in the worker that completes the run. */
const sinks: InjectedSinks<RunSinks> = {
  runs: {
    ended: {
      fn({ workflowType, runId, runStartTime }, { traceparent, endedAt, outcome }) {
        const parent = parseTraceparent(traceparent);
        if (!parent) return;
        recordPastSpan({
          name: `RunWorkflow:${workflowType}`,
          traceId: parent.traceId,
          spanId: spanIdOfRun(runId),
          parentSpanId: parent.spanId,
          startedAt: runStartTime.getTime(),
          endedAt,
          attributes: {
            'temporal.workflow.type': workflowType,
            'temporal.run_id': runId,
            'temporal.workflow.outcome': outcome,
          },
          failed: outcome === 'failed',
        });
      },
    },
  },
};

/** Returns the interceptors and sinks of all workers. */
export const workerTelemetry = (workflowIds: WorkflowIds): Pick<WorkerOptions, 'interceptors' | 'sinks'> => ({
  interceptors: { activity: [activity(workflowIds)] },
  sinks,
});
