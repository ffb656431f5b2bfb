import { defined } from '../../domain/defined';
import { type RankShard, shardsOf } from '../../domain/leaderboards/rankShards';
import { pageOrFirst } from '../../stores/cursor';
import type { BoardStore } from '../../stores/leaderboards/boards';
import { type Clock, systemClock } from '../../timing/clock';
import { type OnSkipped, skipEachRefused } from '../platform/isolate';
import type { Boards } from './boards';

/** The parts that {@link ranksToCheck} needs. */
export interface RanksToCheckParts {
  boards: Pick<Boards, 'read'>;
  store: Pick<BoardStore, 'games' | 'latestSeasons'>;
  onSkipped?: OnSkipped | undefined;
  clock?: Clock | undefined;
}

/** A page of rankings to check. */
export interface RanksToCheck {
  shards: RankShard[];
  /** Number of boards that can never be read; absent if there is none. */
  skipped?: number;
  /** Where the next page begins; absent on the last page. */
  cursor?: string;
}

/** Number of boards in a page of rankings to check. */
const BOARDS_A_PAGE = 20;

/**
 * Returns a page of rankings to check, of a game or of all: those of seasons that have begun and are open. In a check
 * of all games, skips and reports a board that can never be read.
 * @throws LongwatchError the reason, if the requested game cannot be read
 */
export async function ranksToCheck(
  parts: RanksToCheckParts,
  gameId: string | undefined,
  cursor: string | undefined,
): Promise<RanksToCheck> {
  if (gameId !== undefined) return { shards: await openShards(parts, gameId) };
  const page = await pageOrFirst(cursor, (from) => parts.store.games({ limit: BOARDS_A_PAGE, cursor: from }));
  const found = new Map<string, RankShard[]>();
  const skipped = await skipEachRefused(
    page.items,
    BOARDS_A_PAGE,
    async (id) => void found.set(id, await openShards(parts, id)),
    (id, error) => parts.onSkipped?.(`the rankings of ${id}`, error),
  );
  return {
    shards: page.items.flatMap((id) => found.get(id) ?? []),
    ...(skipped.size > 0 && { skipped: skipped.size }),
    ...defined({ cursor: page.cursor }),
  };
}

/** Returns the rankings of a game's seasons that have begun and are open. */
async function openShards(
  { boards, store, clock = systemClock }: RanksToCheckParts,
  gameId: string,
): Promise<RankShard[]> {
  const [board, seasons] = await Promise.all([boards.read(gameId), store.latestSeasons(gameId)]);
  const open = seasons.filter(({ status, startsAt }) => status === 'open' && startsAt <= clock.now());
  return open.flatMap(({ number }) => shardsOf(board, number));
}
