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
 * Every activity in the trace and with the ids of the request that its workflow goes on with, so that its log lines and
 * calls are found by either. What nobody's request caused is logged with its workflow's ids and not traced.
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
      // The SDK's own lines about the activity.
      outbound: {
        getLogAttributes: (input, next) =>
          next({ ...input, ...subjects, ...defined({ requestId: carrier?.requestId }) }),
      },
    };
  };

/** A run's span, once the run is over: the worker that sees the end reports it. */
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

/** What every worker of ours has between Temporal and its activities and workflows. */
export const workerTelemetry = (workflowIds: WorkflowIds): Pick<WorkerOptions, 'interceptors' | 'sinks'> => ({
  interceptors: { activity: [activity(workflowIds)] },
  sinks,
});
