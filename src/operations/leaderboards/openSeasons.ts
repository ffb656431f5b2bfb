import { defined } from '../../domain/defined';
import type { BoardStore } from '../../stores/leaderboards/boards';
import { SEASON_TYPE, seasonId, seasonOf, seasonStart } from '../../domain/leaderboards/workflows';
import { type OnSkipped, skipEachRefused } from '../platform/isolate';
import type { OpenRow, ReconciledRows } from '../platform/reconciliation/rows';

const BOARDS_A_PAGE = 50;
const SEASONS_A_PAGE = 100;

/**
 * Seasons with an end that are not final, board by board. A board whose seasons can never be read keeps no other from
 * being looked at.
 */
export function seasonRows(boards: BoardStore, onSkipped?: OnSkipped): ReconciledRows {
  return {
    workflowType: SEASON_TYPE,
    foundBy: 'pages',
    async open(cursor) {
      const page = await boards.games({ limit: BOARDS_A_PAGE, cursor });
      const items: OpenRow[] = [];
      const seasonsOf = async (gameId: string) => {
        for (let after: string | undefined, more = true; more; more = after !== undefined) {
          const seasons = await boards.seasons(gameId, { limit: SEASONS_A_PAGE, cursor: after });
          after = seasons.cursor;
          // When it was planned is not kept; a start that is still owed is paid under the same id, so that both are
          // one.
          for (const { number, endsAt, status } of seasons.items)
            if (endsAt !== undefined && status !== 'final')
              items.push({ workflowId: seasonId(gameId, number), since: 0 });
        }
      };
      await skipEachRefused(page.items, 1, seasonsOf, (gameId, error) =>
        onSkipped?.(`the seasons of ${gameId}`, error),
      );
      return { items, ...defined({ cursor: page.cursor }) };
    },
    async startOf(workflowId) {
      const of = seasonOf(workflowId);
      const season = of && (await boards.season(of.gameId, of.season));
      // The archive is written behind `final`: a workflow that was lost in between writes it, and finds everything else
      // done.
      return season && season.endsAt !== undefined ? seasonStart(of.gameId, season) : undefined;
    },
  };
}
