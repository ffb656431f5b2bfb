import { getExternalWorkflowHandle } from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/common';
import { movedSignal, seasonId, type SeasonInput } from './declarations';

/** Wakes a season's workflow, whose end was moved. One that is over, or has yet to start, reads the new end anyway. */
export async function seasonMoved({ gameId, season }: SeasonInput): Promise<void> {
  try {
    await getExternalWorkflowHandle(seasonId(gameId, season)).signal(movedSignal);
  } catch (error) {
    if (!(error instanceof ApplicationFailure && error.type === 'ExternalWorkflowExecutionNotFound') && !isNotFound(error)) throw error;
  }
}

const isNotFound = (error: unknown): boolean => error instanceof Error && /not.?found/i.test(error.message);
