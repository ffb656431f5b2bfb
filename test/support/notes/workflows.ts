import { proxyActivities, sleep } from '@temporalio/workflow';
import { declareLifecycles } from '../../../src/workflows/lifecycles';
import type { NoteActivities } from './capability';
import { noteLifecycles } from './lifecycles';

declareLifecycles(noteLifecycles);

const { remind } = proxyActivities<NoteActivities>({ startToCloseTimeout: '10 s' });

/** Reminds of a note once its time has come. */
export async function noteReminder({ noteId, waitMs }: { noteId: string; waitMs: number }): Promise<void> {
  await sleep(waitMs);
  await remind(noteId);
}
