import { getExternalWorkflowHandle } from '@temporalio/workflow';
import { movedSignal, seasonId, type SeasonInput } from '../../domain/leaderboards/workflows';

/** Wakes the workflow of a season whose end was moved. */
export async function seasonMoved({ gameId, season }: SeasonInput): Promise<void> {
  try {
    await getExternalWorkflowHandle(seasonId(gameId, season)).signal(movedSignal);
  } catch (error) {
    // Only the error's text shows that the season's workflow has ended or has not started yet. A workflow that starts
    // later reads the new end itself.
    if (!(error instanceof Error && error.message.includes('not found'))) throw error;
  }
}
