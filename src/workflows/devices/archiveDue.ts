import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ChildWorkflowFailure, executeChild, proxyActivities } from '@temporalio/workflow';
import type { DeviceActivities } from '../../activities/devices/types';
import { showDetails } from '../cancellation';
import { archiveWorkflowId, type HousekeepingReport } from '../../domain/devices/workflows';
import { archiveDay } from './archiveDay';
import { expireDay } from './restoreDay';

const { dueDays } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '10 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
const { deleteRollups } = proxyActivities<DeviceActivities>({
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '20 s',
  retry: { initialInterval: '1 s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** The archiver's scan: archives finished days, and deletes expired archives and rollups. */
export async function archiveDue(): Promise<HousekeepingReport> {
  const due = await dueDays();
  const done: string[] = [];
  const failed: string[] = [];
  for (const { day, what } of due) {
    showDetails(`Due: ${due.length} day(s). Now **${day}** (${what}).${notDone(failed)}`);
    try {
      await executeChild(what === 'archive' ? archiveDay : expireDay, {
        workflowId: archiveWorkflowId(day),
        args: [{ day }],
        staticSummary:
          what === 'archive' ? `Archives the readings of ${day}` : `Deletes the archived readings of ${day} by age`,
      });
      done.push(day);
    } catch (error) {
      // Another workflow uses the day, or the step failed: the next scan processes the day again.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError || error instanceof ChildWorkflowFailure))
        throw error;
      failed.push(day);
    }
  }
  const deleted = await deleteRollups();
  // Activities answer a plain number if no device was skipped, as earlier releases did.
  const { days: rollupDays, skipped } = typeof deleted === 'number' ? { days: deleted, skipped: 0 } : deleted;
  const left = `; **${skipped}** device(s) were skipped, because a step was refused: the log names them`;
  showDetails(
    `Done: ${done.join(', ') || 'no day was due'}.${notDone(failed)} ` +
      `Rollups deleted of ${rollupDays} day(s)${skipped > 0 ? left : ''}.`,
  );
  return { done, failed, rollupDays, ...(skipped > 0 && { skipped }) };
}

const notDone = (failed: readonly string[]): string => (failed.length > 0 ? ` Not done: ${failed.join(', ')}.` : '');
