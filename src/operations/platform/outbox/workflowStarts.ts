import { isGrpcServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { LongwatchError } from '../../../domain/errors';
import { START_KIND, type WorkflowStart } from '../../../domain/platform/outbox';
import { typedSearchAttributes } from '../../../domain/platform/searchAttributes';
import type { Temporal } from '../../../gateways/temporal';
import { isRefusedByTemporal } from '../../../gateways/temporal/calls';
import { type OutboxKind, outboxKind } from './kinds';
import { type Clock, systemClock } from '../../../timing/clock';

/** The result of a start. `already-started`: an earlier dispatch of the same entry started the workflow. */
export type StartResult = 'started' | 'already-started' | 'failed';

/**
 * Makes the outbox kind that starts workflows. Each workflow id starts at most once: Temporal refuses to reuse the id
 * of a closed workflow (REJECT_DUPLICATE) and does not replace a running one (conflict policy FAIL). Both answers mean
 * that the entry was dispatched before, so they count as success.
 */
export function workflowStarts(
  temporal: Pick<Temporal, 'client' | 'within'>,
  onResult: (result: StartResult) => void = () => undefined,
  clock: Clock = systemClock,
): OutboxKind {
  const start = async ({
    workflowType,
    summary,
    searchAttributes,
    notBefore,
    ...options
  }: WorkflowStart): Promise<void> => {
    const call = () => {
      const now = clock.now();
      return temporal.client.workflow.start(workflowType, {
        workflowId: options.workflowId,
        taskQueue: options.taskQueue,
        args: options.args,
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'FAIL',
        staticSummary: summary,
        typedSearchAttributes: typedSearchAttributes(searchAttributes),
        // Delay the first workflow task as part of the start. A timer in the workflow would be a billable action.
        ...(notBefore !== undefined && notBefore > now && { startDelay: notBefore - now }),
      });
    };
    try {
      await temporal.within(call);
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return onResult('already-started');
      onResult('failed');
      throw failureOf(`the start of ${options.workflowId}`, error);
    }
    onResult('started');
  };
  return outboxKind<WorkflowStart>({
    kind: START_KIND,
    dispatched: 'soon',
    batch: 1,
    dispatch: async (entries) => {
      for (const { payload } of entries) await start(payload);
    },
  });
}

/**
 * Calls Temporal and converts a failure.
 * @param what names the call in the error's message
 * @throws LongwatchError `refused` if Temporal can never accept the call, else `unavailable`
 */
export async function asUnavailable<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw failureOf(what, error);
  }
}

/**
 * Converts a failed call of Temporal: `refused` if Temporal can never accept the call, else `unavailable`.
 * @param what names the call in the error's message
 */
export function failureOf(what: string, error: unknown): LongwatchError {
  const details = isGrpcServiceError(error) ? error.details : String(error);
  return new LongwatchError(
    isRefusedByTemporal(error) ? 'refused' : 'unavailable',
    `Temporal did not accept ${what}: ${details}`,
    { cause: error },
  );
}
