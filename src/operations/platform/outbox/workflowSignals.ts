import { WorkflowNotFoundError } from '@temporalio/client';
import { SIGNAL_KIND, type WorkflowSignal } from '../../../domain/platform/outbox';
import type { Temporal } from '../../../gateways/temporal';
import { type OutboxKind, outboxKind } from './kinds';
import { failureOf } from './workflowStarts';

/**
 * Makes the outbox kind that sends signals to workflows. If no workflow with the id runs, the signal is dropped: an
 * ended workflow does not need it, and a workflow that has not started reads its row when it starts.
 */
export function workflowSignals(temporal: Pick<Temporal, 'client' | 'within'>): OutboxKind {
  const send = async ({ workflowId, signal, args }: WorkflowSignal): Promise<void> => {
    try {
      await temporal.within(() => temporal.client.workflow.getHandle(workflowId).signal(signal, ...args));
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw failureOf(`the signal ${signal} to ${workflowId}`, error);
    }
  };
  return outboxKind<WorkflowSignal>({
    kind: SIGNAL_KIND,
    dispatched: 'soon',
    batch: 1,
    dispatch: async (entries) => {
      for (const { payload } of entries) await send(payload);
    },
  });
}
