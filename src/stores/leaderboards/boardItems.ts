import { defined } from '../../domain/defined';
import type { Board, BoardDefinition, Season, SeasonStatus } from '../../domain/leaderboards/board';
import { compositeKey } from '../../domain/ids';

/** The sort keys of a game's items. */
export const BOARD = 'board';
const SEASON = 'season';
const BAN = 'ban';

/** Partition of the list of all boards; no game's id, since those hold no `#`. */
export const ALL_BOARDS = '#boards';

/**
 * What the last writes of a season are checked against: as many as this, because two transactions that check one item
 * at the same time are in each other's way.
 */
export const FENCES = 8;

const padded = (season: number): string => String(season).padStart(5, '0');

export const seasonEntry = (season: number): string => compositeKey(SEASON, padded(season));
export const seasonEntries = compositeKey(SEASON, '');
export const fenceEntry = (season: number, fence: number): string => compositeKey('fence', padded(season), fence);
export const banEntry = (playerId: string): string => compositeKey(BAN, playerId);
export const banEntries = compositeKey(BAN, '');

type Item = Record<string, unknown>;

export function boardOf(item: Item): Board {
  return {
    ...(JSON.parse(item['BoardDefinition'] as string) as BoardDefinition),
    gameId: item['GameID'] as string,
    version: item['Version'] as number,
    latestSeason: item['LatestSeason'] as number,
  };
}

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
