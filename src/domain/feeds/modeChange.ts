import type { WorkflowStart } from '../platform/outbox';
import { type AuthorState, type Direction, requiredModeChange } from './author';
import { planFor } from './ranges';
import type { FeedSettings } from './settings';
import { modeChangeStart } from './workflows';

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
