import { type Direction, turnOf } from '../../domain/feeds/author';
import { planFor } from '../../domain/feeds/ranges';
import type { FeedSettings } from '../../domain/feeds/settings';
import type { WorkflowStart } from '../../domain/platform/outbox';
import type { FeedUser } from '../../stores/feeds/users';
import { turnStart } from '../../domain/feeds/workflows';

/**
 * A turn (the change of an author's delivery mode) that is written with the change that causes it. Empty if no turn is
 * due.
 */
export interface DueTurn {
  turn?: { direction: Direction; at: number };
  start?: WorkflowStart;
}

/**
 * Returns the turn that an author's number of followers requires, and the start of its workflow.
 * @param at epoch ms
 */
export function dueTurn(author: FeedUser, settings: FeedSettings, at: number): DueTurn {
  const direction = turnOf(author, settings.threshold);
  if (!direction) return {};
  const turn = { authorId: author.userId, modeVersion: author.modeVersion + 1, direction };
  return {
    turn: { direction, at },
    start: turnStart({ turn, plan: planFor(author.followers, settings), followers: author.followers }),
  };
}
