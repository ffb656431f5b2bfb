import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../../domain/errors';
import type { Board, BoardDefinition, Season } from '../../domain/leaderboards/board';
import type { RewardRule } from '../../domain/leaderboards/rewards';
import type { Page, PageRequest } from '../cursor';
import { queryPage, type TableQuery } from '../query';
import { type Db, isConditionFailure } from '../dynamodb';
import { itemType, text } from '../items';
import type { TransactItem } from '../platform/outbox';
import { transact } from '../transact';
import {
  ALL_BOARDS,
  banEntries,
  banEntry,
  banItems,
  BOARD,
  boardItems,
  boardOf,
  END_MARKERS,
  endMarkerEntry,
  seasonEntries,
  seasonEntry,
  seasonItem,
  seasonOfItem,
} from './boardItems';
import { leaderboardTables } from './tables';

/**
 * Seasons in one query of a board's latest ones. Usually a board has three that are not closed: the planned one, the
 * current one and one in its grace period. Short seasons with a long grace period have more.
 */
const SEASONS_A_PAGE = 4;

/** An entry of the list of all boards. */
const gameItems = itemType(leaderboardTables, 'Boards', { gameId: text('Entry') });

/** A ban of a player from a board, with its reason. */
export interface Ban {
  playerId: string;
  reason: string;
  bannedBy: string;
  /** Epoch ms. */
  at: number;
}

/** Boards with their seasons and bans. */
export class BoardStore {
  constructor(private readonly db: Db) {}

  /** Returns a board. Strongly consistent. */
  async find(gameId: string): Promise<Board | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.table, Key: { GameID: gameId, Entry: BOARD }, ConsistentRead: true }),
    );
    return Item && boardOf(Item);
  }

  /** Creates a board with its first seasons and their outbox entries. @returns false if the board exists. */
  create(
    gameId: string,
    definition: BoardDefinition,
    seasons: readonly Season[],
    owed: readonly TransactItem[],
  ): Promise<boolean> {
    return this.transact([
      {
        Put: {
          TableName: this.table,
          Item: boardItems.write({ gameId, definition, version: 1, latestSeason: seasons.length }, { Entry: BOARD }),
          // Race: two requests create the board at the same time. One succeeds, the other returns false.
          ConditionExpression: 'attribute_not_exists(Entry)',
        },
      },
      { Put: { TableName: this.table, Item: { GameID: ALL_BOARDS, Entry: gameId } } },
      ...seasons.flatMap((season) => this.seasonItems(gameId, season)),
      ...owed,
    ]);
  }

  /**
   * Replaces the definition of a board.
   * @returns the new version.
   * @throws LongwatchError `versionMismatch` if `ifVersion` is not the current version.
   */
  async replace(gameId: string, definition: BoardDefinition, ifVersion: number): Promise<number> {
    try {
      await this.db.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: { GameID: gameId, Entry: BOARD },
          UpdateExpression: 'SET BoardDefinition = :definition, Version = :next',
          // Race: two callers change the board at the same time. The second one must read the first one's change.
          ConditionExpression: 'Version = :version',
          ExpressionAttributeValues: {
            ':definition': JSON.stringify(definition),
            ':next': ifVersion + 1,
            ':version': ifVersion,
          },
        }),
      );
      return ifVersion + 1;
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
      throw new LongwatchError(
        'versionMismatch',
        `Version ${ifVersion} is not the current one of this board any more; read it again, then change it`,
        { cause: error },
      );
    }
  }

  /** Returns a page of the games that have a board, ordered by id. */
  games(page: PageRequest): Promise<Page<string>> {
    const query = { table: 'Boards', where: 'GameID = :all', values: { ':all': ALL_BOARDS } };
    return queryPage(this.db, { name: 'games', of: {} }, query, page, (item) => gameItems.read(item).gameId);
  }

  /** Returns a season. Strongly consistent. */
  async season(gameId: string, number: number): Promise<Season | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.table,
        Key: { GameID: gameId, Entry: seasonEntry(number) },
        ConsistentRead: true,
      }),
    );
    return Item && seasonOfItem(Item);
  }

  /** Returns a page of a board's seasons, newest first. Strongly consistent. */
  seasons(gameId: string, page: PageRequest): Promise<Page<Season>> {
    const query = { ...entriesOf(gameId, seasonEntries), descending: true };
    return queryPage(this.db, { name: 'seasons', of: { gameId } }, query, page, seasonOfItem);
  }

  /** Returns a board's latest seasons, newest first, until the first one that is closed. */
  async latestSeasons(gameId: string): Promise<Season[]> {
    const seasons: Season[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.seasons(gameId, { limit: SEASONS_A_PAGE, cursor });
      seasons.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined && seasons.at(-1)?.status === 'open');
    return seasons;
  }

  /** Plans the next season with its outbox entries. @returns false if another process has planned it. */
  plan(gameId: string, season: Season, owed: readonly TransactItem[]): Promise<boolean> {
    return this.transact([
      {
        Update: {
          TableName: this.table,
          Key: { GameID: gameId, Entry: BOARD },
          UpdateExpression: 'SET LatestSeason = :season',
          // Race: several processes find that a season is missing and plan it. One succeeds.
          ConditionExpression: 'LatestSeason = :before',
          ExpressionAttributeValues: { ':season': season.number, ':before': season.number - 1 },
        },
      },
      ...this.seasonItems(gameId, season),
      ...owed,
    ]);
  }

  /**
   * Moves the end of a season and the start of the next one.
   * @returns false if either has changed since it was read.
   */
  moveEnd(
    gameId: string,
    season: Season,
    next: Season | undefined,
    endsAt: number,
    owed: readonly TransactItem[],
  ): Promise<boolean> {
    const before = season.endsAt;
    return this.transact([
      {
        Update: {
          TableName: this.table,
          Key: { GameID: gameId, Entry: seasonEntry(season.number) },
          UpdateExpression: 'SET EndsAt = :endsAt, Revision = :next',
          // Races: two callers move the end; or the season closes meanwhile.
          ConditionExpression: 'Revision = :revision AND SeasonStatus = :open',
          ExpressionAttributeValues: {
            ':endsAt': endsAt,
            ':next': season.revision + 1,
            ':revision': season.revision,
            ':open': 'open',
          },
        },
      },
      ...(next
        ? [
            {
              Update: {
                TableName: this.table,
                Key: { GameID: gameId, Entry: seasonEntry(next.number) },
                UpdateExpression: 'SET StartsAt = :endsAt',
                // Race: another caller moves the next season's own end.
                ConditionExpression: 'Revision = :revision AND StartsAt = :before',
                ExpressionAttributeValues: { ':endsAt': endsAt, ':revision': next.revision, ':before': before },
              },
            },
          ]
        : // Race: another process plans the next season meanwhile, with its start at the old end.
          [this.latestIs(gameId, season.number)]),
      ...owed,
    ]);
  }

  /**
   * Closes a season by deleting its end markers: afterwards no submission can be written. A repeated call changes
   * nothing.
   * @returns false if the season is still open because its end was moved from `endsAt`.
   */
  async close(
    gameId: string,
    season: number,
    endsAt: number,
    rewards: readonly RewardRule[],
    now: number,
  ): Promise<boolean> {
    const closed = await this.transact([
      {
        Update: {
          TableName: this.table,
          Key: { GameID: gameId, Entry: seasonEntry(season) },
          UpdateExpression: 'SET SeasonStatus = :closing, Rewards = :rewards, ClosedAt = :now',
          // Race: a caller moves the end at the same moment. Then the season stays open.
          ConditionExpression: 'SeasonStatus = :open AND EndsAt = :endsAt',
          ExpressionAttributeValues: {
            ':closing': 'closing',
            ':open': 'open',
            ':endsAt': endsAt,
            ':rewards': JSON.stringify(rewards),
            ':now': now,
          },
        },
      },
      ...Array.from({ length: END_MARKERS }, (_, i): TransactItem => ({
        Delete: { TableName: this.table, Key: { GameID: gameId, Entry: endMarkerEntry(season, i) } },
      })),
    ]);
    return closed || (await this.season(gameId, season))?.status !== 'open';
  }

  /** Marks the standings of a season as final. @param players the number of ranked players. */
  async finish(gameId: string, season: number, players: number): Promise<void> {
    await this.db.client.send(
      new UpdateCommand({
        TableName: this.table,
        Key: { GameID: gameId, Entry: seasonEntry(season) },
        UpdateExpression: 'SET SeasonStatus = :final, Players = :players',
        ExpressionAttributeValues: { ':final': 'final', ':players': players },
      }),
    );
  }

  /** Returns the item of a transaction that fails after the season has closed. */
  endMarker(gameId: string, season: number): TransactItem {
    return {
      ConditionCheck: {
        TableName: this.table,
        Key: { GameID: gameId, Entry: endMarkerEntry(season, Math.floor(Math.random() * END_MARKERS)) },
        // Race: the season closes after this process read the clock and before the write.
        ConditionExpression: 'attribute_exists(Entry)',
      },
    };
  }

  /** Returns a player's ban. Strongly consistent. */
  async ban(gameId: string, playerId: string): Promise<Ban | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.table,
        Key: { GameID: gameId, Entry: banEntry(playerId) },
        ConsistentRead: true,
      }),
    );
    return Item && banItems.read(Item);
  }

  /** Returns a page of a board's bans, ordered by player id. Strongly consistent. */
  bans(gameId: string, page: PageRequest): Promise<Page<Ban>> {
    return queryPage(this.db, { name: 'bans', of: { gameId } }, entriesOf(gameId, banEntries), page, banItems.read);
  }

  /**
   * Sets a ban, or removes it if `ban` is null, together with the player's flags in the open seasons.
   * @returns false if a season was planned or closed meanwhile, so that other seasons are open now.
   */
  setBan(
    gameId: string,
    playerId: string,
    ban: Ban | null,
    latestSeason: number,
    open: readonly { season: number; mark: TransactItem }[],
  ): Promise<boolean> {
    const Key = { GameID: gameId, Entry: banEntry(playerId) };
    return this.transact([
      ban
        ? { Put: { TableName: this.table, Item: banItems.write(ban, Key) } }
        : { Delete: { TableName: this.table, Key } },
      // Race: another process plans a season and copies the bans just before this one is stored.
      this.latestIs(gameId, latestSeason),
      ...open.flatMap(({ season, mark }) => [
        mark,
        {
          ConditionCheck: {
            TableName: this.table,
            Key: { GameID: gameId, Entry: seasonEntry(season) },
            // Race: the season closes. Its ranks must not change after its end.
            ConditionExpression: 'SeasonStatus = :open',
            ExpressionAttributeValues: { ':open': 'open' },
          },
        },
      ]),
    ]);
  }

  /**
   * Flags a banned player in a season that was planned after the ban.
   * @returns false if the ban was removed meanwhile.
   */
  carryBan(gameId: string, playerId: string, mark: TransactItem): Promise<boolean> {
    return this.transact([
      mark,
      // Race: the ban is removed after it was read and before this write. Then nothing would remove this flag.
      {
        ConditionCheck: {
          TableName: this.table,
          Key: { GameID: gameId, Entry: banEntry(playerId) },
          ConditionExpression: 'attribute_exists(Entry)',
        },
      },
    ]);
  }

  private latestIs(gameId: string, season: number): TransactItem {
    return {
      ConditionCheck: {
        TableName: this.table,
        Key: { GameID: gameId, Entry: BOARD },
        ConditionExpression: 'LatestSeason = :season',
        ExpressionAttributeValues: { ':season': season },
      },
    };
  }

  private seasonItems(gameId: string, season: Season): TransactItem[] {
    return [
      { Put: { TableName: this.table, Item: seasonItem(gameId, season) } },
      ...(season.endsAt === undefined
        ? []
        : Array.from({ length: END_MARKERS }, (_, i): TransactItem => ({
            Put: { TableName: this.table, Item: { GameID: gameId, Entry: endMarkerEntry(season.number, i) } },
          }))),
    ];
  }

  /**
   * Writes all items, or none of them.
   * @returns false if a condition failed.
   * @throws LongwatchError `contention` if other transactions wrote the same items.
   */
  private async transact(items: TransactItem[]): Promise<boolean> {
    const cancelled = await transact(this.db, { items });
    if (!cancelled) return true;
    const { lost, cause } = cancelled;
    if (lost.size > 0) return false;
    throw new LongwatchError('contention', 'The board was busy; try again', { retryAfterSeconds: 1, cause });
  }

  private get table(): string {
    return this.db.table('Boards');
  }
}

const entriesOf = (gameId: string, prefix: string): TableQuery => ({
  table: 'Boards',
  where: 'GameID = :game AND begins_with(Entry, :prefix)',
  values: { ':game': gameId, ':prefix': prefix },
  consistent: true,
});
