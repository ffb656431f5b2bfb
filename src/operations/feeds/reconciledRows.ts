import { planFor } from '../../domain/feeds/ranges';
import type { FeedSettings } from '../../domain/feeds/settings';
import type { FeedUserStore } from '../../stores/feeds/users';
import { TURN_TYPE, modeChangeId, modeChangeOfWorkflow, modeChangeStart } from '../../domain/feeds/workflows';
import type { ReconciledRows } from '../platform/reconciliation/reconciledRows';

/** Authors whose delivery mode is changing, for the reconciler. */
export function modeChangeRows(users: FeedUserStore, settings: FeedSettings): ReconciledRows {
  return {
    workflowType: TURN_TYPE,
    foundBy: 'pages',
    async open(cursor) {
      const page = await users.authorsChangingMode(cursor);
      // The start time of a falling mode change is not stored. A start that still waits in the outbox has the same
      // workflow id, so it starts only once.
      return {
        ...page,
        items: page.items.map(({ userId, modeVersion, direction }) => ({
          workflowId: modeChangeId({ authorId: userId, modeVersion, direction }),
          since: 0,
        })),
      };
    },
    async startOf(workflowId) {
      const of = modeChangeOfWorkflow(workflowId);
      const author = of && (await users.find([of.authorId])).get(of.authorId);
      if (!author || author.modeVersion !== of.modeVersion || (author.mode !== 'rising' && author.mode !== 'falling'))
        return undefined;
      const turn = { authorId: author.userId, modeVersion: author.modeVersion, direction: author.mode };
      return modeChangeStart({ turn, plan: planFor(author.followers, settings), followers: author.followers });
    },
  };
}
