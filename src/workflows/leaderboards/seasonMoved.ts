import { getExternalWorkflowHandle } from '@temporalio/workflow';
import { movedSignal, seasonId, type SeasonInput } from '../../domain/leaderboards/workflows';

/** Wakes a season's workflow, whose end was moved. */
export async function seasonMoved({ gameId, season }: SeasonInput): Promise<void> {
  try {
    await getExternalWorkflowHandle(seasonId(gameId, season)).signal(movedSignal);
  } catch (error) {
    // The server's words are all that tells it apart: the season is over, or has yet to start and then reads the new
    // end.
    if (!(error instanceof Error && error.message.includes('not found'))) throw error;
  }
}
