import { defined } from '../../domain/defined';
import type { BoardStore } from '../../stores/leaderboards/boards';
import { SEASON_TYPE, seasonId, seasonOf, seasonStart } from '../../domain/leaderboards/workflows';
import { type OnSkipped, skipEachRefused } from '../platform/isolate';
import type { OpenRow, ReconciledRows } from '../platform/reconciliation/reconciledRows';

const BOARDS_A_PAGE = 50;
const SEASONS_A_PAGE = 100;

/**
 * Seasons that end and are not final, for the reconciler, board by board. Skips and reports a board whose seasons
 * cannot be read, permanently.
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
          // The time of planning is not stored. A start that still waits in the outbox has the same workflow id, so it
          // starts only once.
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
      // The archive is written after the season is final. A workflow that was lost in between is restarted, finds the
      // other steps done, and writes the archive.
      return season && season.endsAt !== undefined ? seasonStart(of.gameId, season) : undefined;
    },
  };
}
