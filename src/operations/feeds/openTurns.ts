import { planFor } from '../../domain/feeds/ranges';
import type { FeedSettings } from '../../domain/feeds/settings';
import type { FeedUserStore } from '../../stores/feeds/users';
import { TURN_TYPE, turnId, turnOf, turnStart } from '../../domain/feeds/workflows';
import type { ReconciledRows } from '../platform/reconciliation/rows';

/** Authors who are between two modes. */
export function turnRows(users: FeedUserStore, settings: FeedSettings): ReconciledRows {
  return {
    workflowType: TURN_TYPE,
    foundBy: 'pages',
    async open(cursor) {
      const page = await users.turning(cursor);
      // When the turn began is not kept for one that falls; a start that is still owed is paid under the same id.
      return {
        ...page,
        items: page.items.map(({ userId, modeVersion, direction }) => ({
          workflowId: turnId({ authorId: userId, modeVersion, direction }),
          since: 0,
        })),
      };
    },
    async startOf(workflowId) {
      const of = turnOf(workflowId);
      const author = of && (await users.find([of.authorId])).get(of.authorId);
      if (!author || author.modeVersion !== of.modeVersion || (author.mode !== 'rising' && author.mode !== 'falling'))
        return undefined;
      const turn = { authorId: author.userId, modeVersion: author.modeVersion, direction: author.mode };
      return turnStart({ turn, plan: planFor(author.followers, settings), followers: author.followers });
    },
  };
}
