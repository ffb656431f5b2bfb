import type { WorkflowStart } from '../platform/outbox';
import type { AuthorState, Direction } from './author';
import { planFor } from './ranges';
import type { FeedSettings } from './settings';
import { modeChangeStart } from './workflows';

/**
 * An author changes back to `push` below this share of the threshold, so that small changes in the number of followers
 * do not cause repeated mode changes.
 */
const FALL_SHARE = 0.8;

/**
 * Returns the mode change that the number of followers requires; undefined during another one, so there is one at a
 * time.
 */
export function requiredModeChange(
  { mode, followers }: Pick<AuthorState, 'mode' | 'followers'>,
  threshold: number,
): Direction | undefined {
  if (mode === 'push' && followers > threshold) return 'rising';
  if (mode === 'pull' && followers < threshold * FALL_SHARE) return 'falling';
  return undefined;
}

/**
 * A change of an author's delivery mode that is written with the change that causes it. Empty if none is due.
 */
export interface DueModeChange {
  turn?: { direction: Direction; at: number };
  start?: WorkflowStart;
}

/**
 * Returns the mode change that an author's number of followers requires, and the start of its workflow.
 * @param at epoch ms
 */
export function dueModeChange(
  author: AuthorState & { userId: string },
  settings: FeedSettings,
  at: number,
): DueModeChange {
  const direction = requiredModeChange(author, settings.threshold);
  if (!direction) return {};
  const turn = { authorId: author.userId, modeVersion: author.modeVersion + 1, direction };
  return {
    turn: { direction, at },
    start: modeChangeStart({ turn, plan: planFor(author.followers, settings), followers: author.followers }),
  };
}
