import { compositeKey } from '../../domain/ids';
import type { Board, BoardDefinition, Season, SeasonStatus } from '../../domain/leaderboards/board';
import type { RewardRule } from '../../domain/leaderboards/rewards';
import { type Item, itemType, json, number, optional, prefixed, text } from '../items';
import { leaderboardTables } from './tables';

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

/** The item of a board. */
export const boardItems = itemType(leaderboardTables, 'Boards', {
  gameId: text('GameID'),
  definition: json<BoardDefinition>('BoardDefinition'),
  version: number('Version'),
  latestSeason: number('LatestSeason'),
});

const seasonItems = itemType(leaderboardTables, 'Boards', {
  startsAt: number('StartsAt'),
  endsAt: optional(number('EndsAt')),
  graceMs: number('GraceMs'),
  status: text<SeasonStatus>('SeasonStatus'),
  revision: number('Revision'),
  rewards: optional(json<readonly RewardRule[]>('Rewards')),
  closedAt: optional(number('ClosedAt')),
  players: optional(number('Players')),
});
const seasonNumbers = itemType(leaderboardTables, 'Boards', { padded: prefixed('Entry', seasonEntries) });

/** The item of a ban. */
export const banItems = itemType(leaderboardTables, 'Boards', {
  playerId: prefixed('Entry', banEntries),
  reason: text('Reason'),
  bannedBy: text('BannedBy'),
  at: number('At'),
});

/** Converts an item to a board. */
export function boardOf(item: Item): Board {
  const { definition, ...rest } = boardItems.read(item);
  return { ...definition, ...rest };
}

/** Converts a season to its item. */
export const seasonItem = (gameId: string, season: Season): Item =>
  seasonItems.write(season, { GameID: gameId, Entry: seasonEntry(season.number) });

/** Converts an item to a season. */
export const seasonOfItem = (item: Item): Season => ({
  number: Number(seasonNumbers.read(item).padded),
  ...seasonItems.read(item),
});
