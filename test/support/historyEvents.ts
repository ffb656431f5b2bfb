import type { WorkflowHandle } from '@temporalio/client';
import { eventually } from './eventually';

type Event = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

const isEnd = (event: Event): boolean =>
  Boolean(
    event.workflowExecutionCompletedEventAttributes ??
    event.workflowExecutionCanceledEventAttributes ??
    event.workflowExecutionFailedEventAttributes ??
    event.workflowExecutionTerminatedEventAttributes ??
    event.workflowExecutionContinuedAsNewEventAttributes,
  );

/** Waits until a workflow has answered an event of its history, or has ended: then it stands at its next wait point. */
async function hasHandled(
  handle: WorkflowHandle,
  isMeant: (event: Event, all: readonly Event[]) => unknown,
): Promise<void> {
  await eventually(
    async () => (await handle.fetchHistory()).events ?? [],
    (events) => {
      const at = events.findIndex((event) => isMeant(event, events));
      const isTaskBehind = (event: Event, i: number) => at >= 0 && i > at && event.workflowTaskCompletedEventAttributes;
      return events.some((event, i) => isEnd(event) || isTaskBehind(event, i));
    },
    { everyMs: 5 },
  );
}

export const hasHeardOfCancellation = (handle: WorkflowHandle): Promise<void> =>
  hasHandled(handle, (event) => event.workflowExecutionCancelRequestedEventAttributes);

/** Waits until a workflow has gone on behind the answer of an activity. */
export const hasTakenAnswer = (handle: WorkflowHandle, activityId: string): Promise<void> =>
  hasHandled(handle, ({ activityTaskCompletedEventAttributes: completed }, all) => {
    const scheduled = completed && all.find(({ eventId }) => String(eventId) === String(completed.scheduledEventId));
    return scheduled?.activityTaskScheduledEventAttributes?.activityId === activityId;
  });
