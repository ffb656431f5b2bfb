import { defined } from '../../domain/defined';
import type { Board, BoardDefinition, Season, SeasonStatus } from '../../domain/leaderboards/board';
import { compositeKey } from '../../domain/ids';

/** The sort key of a board. */
export const BOARD = 'board';
const SEASON = 'season';
const BAN = 'ban';

/** Partition of the list of all boards. It cannot be a game's id, because ids contain no `#`. */
export const ALL_BOARDS = '#boards';

/**
 * Number of end markers of a season. The last writes of a season check in their transaction that a random marker
 * exists, and closing the season deletes all of them. One marker would not suffice, because transactions that check the
 * same item at the same time conflict.
 */
export const END_MARKERS = 8;

const padded = (season: number): string => String(season).padStart(5, '0');

/** Returns the sort key of a season. */
export const seasonEntry = (season: number): string => compositeKey(SEASON, padded(season));
/** The prefix of the seasons' sort keys. */
export const seasonEntries = compositeKey(SEASON, '');
/** Returns the sort key of an end marker, 0 to `END_MARKERS` − 1. */
export const endMarkerEntry = (season: number, fence: number): string => compositeKey('fence', padded(season), fence);
/** Returns the sort key of a ban. */
export const banEntry = (playerId: string): string => compositeKey(BAN, playerId);
/** The prefix of the bans' sort keys. */
export const banEntries = compositeKey(BAN, '');

type Item = Record<string, unknown>;

/** Converts an item to a board. */
export function boardOf(item: Item): Board {
  return {
    ...(JSON.parse(item['BoardDefinition'] as string) as BoardDefinition),
    gameId: item['GameID'] as string,
    version: item['Version'] as number,
    latestSeason: item['LatestSeason'] as number,
  };
}

/** Converts a season to its item. */
export function seasonItem(gameId: string, season: Season): Item {
  return {
    GameID: gameId,
    Entry: seasonEntry(season.number),
    StartsAt: season.startsAt,
    ...defined({ EndsAt: season.endsAt }),
    GraceMs: season.graceMs,
    SeasonStatus: season.status,
    Revision: season.revision,
  };
}

/** Converts an item to a season. */
export function seasonOfItem(item: Item): Season {
  const { EndsAt, Rewards, ClosedAt, Players } = item;
  return {
    number: Number((item['Entry'] as string).slice(seasonEntries.length)),
    startsAt: item['StartsAt'] as number,
    ...defined({ endsAt: EndsAt as number | undefined }),
    graceMs: item['GraceMs'] as number,
    status: item['SeasonStatus'] as SeasonStatus,
    revision: item['Revision'] as number,
    ...(Rewards !== undefined && { rewards: JSON.parse(Rewards as string) as NonNullable<Season['rewards']> }),
    ...defined({ closedAt: ClosedAt as number | undefined, players: Players as number | undefined }),
  };
}
