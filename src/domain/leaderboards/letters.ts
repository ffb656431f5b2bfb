import type { Notification } from '../platform/notification';
import { rankCheckPage } from './pages';
import type { RankedPlayer } from './ranking';
import type { RankCheckReport } from './workflows';

/**
 * Returns the message to a player who got rewards in a season. The same player and season give the same message id each
 * time.
 * @param closedAt epoch ms at which the season closed
 */
export function rewardLetter(
  gameId: string,
  { number, closedAt }: { number: number; closedAt: number },
  { playerId, rank }: Pick<RankedPlayer, 'playerId' | 'rank'>,
  rewards: readonly string[],
): Notification {
  return {
    id: `reward.${gameId}.${number}.${playerId}`,
    recipient: playerId,
    subject: `${gameId}: you finished season ${number} at rank ${rank}`,
    text: `You have won: ${rewards.join(', ')}.`,
    at: closedAt,
  };
}

/** The rank check that a notice is about. */
export interface NoticedCheck {
  workflowId: string;
  /** The first run of the workflow. It makes the message's id unique for each check. */
  firstExecutionRunId: string;
  startTime: Date;
}

/** Returns the notice to the supervisors that a rank check found wrong ranks. */
export function rankCheckNotice(
  total: RankCheckReport,
  { workflowId, firstExecutionRunId, startTime }: NoticedCheck,
): Notification {
  return {
    id: `rank-check.${firstExecutionRunId}`,
    recipient: 'team/supervisors',
    subject: `Leaderboards: ${total.differences} players had a wrong rank, which is corrected`,
    text:
      `${rankCheckPage(total).replaceAll('**', '')} The workflow ${workflowId} found an error that should not ` +
      'happen; the log of that time may show the cause.',
    at: startTime.getTime(),
  };
}
