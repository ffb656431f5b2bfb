import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import type { temporal } from '@temporalio/proto';

export type History = temporal.api.history.v1.IHistory;

/** Recorded histories, by the workflow type that they are of; replayed by `replay.test.ts`. */
export const HISTORIES = join(__dirname, '..', 'workflows', 'histories');
const ROOT = join(__dirname, '..', '..');

/**
 * Keeps the history of a run for the replay tests, when `LONGWATCH_RECORD` is set (`npm run replay:record`). A
 * recording is what runs in production were made by: it is never replaced by what today's code does.
 */
export async function record(type: string, name: string, handle: WorkflowHandle): Promise<History> {
  const history = await handle.fetchHistory();
  const file = join(HISTORIES, type, `${name}.json`);
  if (process.env['LONGWATCH_RECORD'] && !existsSync(file)) {
    mkdirSync(join(HISTORIES, type), { recursive: true });
    // Stack traces name the recording machine's folders: nobody's business, and nothing that a replay reads.
    writeFileSync(file, historyToJSON(history).replaceAll(`${ROOT}/`, ''));
  }
  return history;
}

/**
 * Billable actions of a run, as Temporal Cloud counts them: the start, each activity (its retries are not in the
 * history), timer, update, signal, search attribute upsert, child and continue-as-new.
 * Source: "Temporal Cloud pricing", Actions.
 */
export function billableActions({ events }: History): number {
  const counted = [
    'workflowExecutionStartedEventAttributes',
    'activityTaskScheduledEventAttributes',
    'timerStartedEventAttributes',
    'workflowExecutionUpdateAcceptedEventAttributes',
    'workflowExecutionSignaledEventAttributes',
    'upsertWorkflowSearchAttributesEventAttributes',
    'startChildWorkflowExecutionInitiatedEventAttributes',
    'markerRecordedEventAttributes',
  ] as const;
  return (events ?? []).filter((event) => counted.some((kind) => event[kind])).length;
}
