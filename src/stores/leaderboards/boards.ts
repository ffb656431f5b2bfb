import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../../domain/errors';
import type { Board, BoardDefinition, RewardRule, Season } from '../../domain/leaderboards/board';
import type { Page, PageRequest } from '../cursor';
import { queryPage, type TableQuery } from '../query';
import { type Db, isConditionFailure } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';
import { transact } from '../transact';
import {
  ALL_BOARDS,
  banEntries,
  banEntry,
  BOARD,
  boardOf,
  FENCES,
  fenceEntry,
  seasonEntries,
  seasonEntry,
  seasonItem,
  seasonOfItem,
} from './boardItems';

/** Why a player may not be ranked. */
export interface Ban {
  playerId: string;
  reason: string;
  bannedBy: string;
  /** Epoch ms. */
  at: number;
}

/** Boards, their seasons and their bans. */
export class BoardStore {
  constructor(private readonly db: Db) {}

  /** Strongly consistent. */
  async find(gameId: string): Promise<Board | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.table, Key: { GameID: gameId, Entry: BOARD }, ConsistentRead: true }),
    );
    return Item && boardOf(Item);
  }

  /**
   * Makes a board with its first seasons, and what they owe.
   * @returns false when there is one already.
   */
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
          Item: {
            GameID: gameId,
            Entry: BOARD,
            BoardDefinition: JSON.stringify(definition),
            Version: 1,
            LatestSeason: seasons.length,
          },
          // The race: two make the board at once. One does; the other is told that it is there.
          ConditionExpression: 'attribute_not_exists(Entry)',
        },
      },
      { Put: { TableName: this.table, Item: { GameID: ALL_BOARDS, Entry: gameId } } },
      ...seasons.flatMap((season) => this.seasonItems(gameId, season)),
      ...owed,
    ]);
  }

  /** @throws LongwatchError `versionMismatch` when `ifVersion` is not the current version any more. */
  async replace(gameId: string, definition: BoardDefinition, ifVersion: number): Promise<number> {
    try {
      await this.db.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: { GameID: gameId, Entry: BOARD },
          UpdateExpression: 'SET BoardDefinition = :definition, Version = :next',
          // The race: two people change the board at once. The second must look at what the first did.
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

  /** Every board's game, by id. */
  games(page: PageRequest): Promise<Page<string>> {
    const query = { table: 'Boards', where: 'GameID = :all', values: { ':all': ALL_BOARDS } };
    return queryPage(this.db, { name: 'games', of: {} }, query, page, (item) => item['Entry'] as string);
  }

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

  /** Newest first. Strongly consistent. */
  seasons(gameId: string, page: PageRequest): Promise<Page<Season>> {
    const query = { ...entriesOf(gameId, seasonEntries), descending: true };
    return queryPage(this.db, { name: 'seasons', of: { gameId } }, query, page, seasonOfItem);
  }

  /** Plans a further season, with what it owes. @returns false when somebody did so before. */
  plan(gameId: string, season: Season, owed: readonly TransactItem[]): Promise<boolean> {
    return this.transact([
      {
        Update: {
          TableName: this.table,
          Key: { GameID: gameId, Entry: BOARD },
          UpdateExpression: 'SET LatestSeason = :season',
          // The race: every process that finds a season missing plans it. One does.
          ConditionExpression: 'LatestSeason = :before',
          ExpressionAttributeValues: { ':season': season.number, ':before': season.number - 1 },
        },
      },
      ...this.seasonItems(gameId, season),
      ...owed,
    ]);
  }

  /** Moves a season's end, and the next one's beginning with it. @returns false when either is not as it was read. */
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
          // The races: two people move the end; or the season closes meanwhile.
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
                // The race: its own end is moved before our new beginning.
                ConditionExpression: 'Revision = :revision AND StartsAt = :before',
                ExpressionAttributeValues: { ':endsAt': endsAt, ':revision': next.revision, ':before': before },
              },
            },
          ]
        : // The race: a next season is planned meanwhile, to begin at the old end.
          [this.latestIs(gameId, season.number)]),
      ...owed,
    ]);
  }

  /**
   * Closes a season: from here on no write can pass its fences. Closing twice is closing once.
   * @returns false when its end is another than the one given: it was moved.
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
          // The race: its end is moved just now. Then it goes on.
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
      ...Array.from({ length: FENCES }, (_, i): TransactItem => ({
        Delete: { TableName: this.table, Key: { GameID: gameId, Entry: fenceEntry(season, i) } },
      })),
    ]);
    return closed || (await this.season(gameId, season))?.status !== 'open';
  }

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

  /** The part of a transaction that fails once the season is closed. */
  fence(gameId: string, season: number): TransactItem {
    return {
      ConditionCheck: {
        TableName: this.table,
        Key: { GameID: gameId, Entry: fenceEntry(season, Math.floor(Math.random() * FENCES)) },
        // The race: the season closes between our look at the clock and the write.
        ConditionExpression: 'attribute_exists(Entry)',
      },
    };
  }

  async ban(gameId: string, playerId: string): Promise<Ban | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({
        TableName: this.table,
        Key: { GameID: gameId, Entry: banEntry(playerId) },
        ConsistentRead: true,
      }),
    );
    return Item && banOf(Item);
  }

  bans(gameId: string, page: PageRequest): Promise<Page<Ban>> {
    return queryPage(this.db, { name: 'bans', of: { gameId } }, entriesOf(gameId, banEntries), page, banOf);
  }

  /**
   * Puts a ban, or with null takes it back, together with its marks in the seasons that are open.
   * @returns false when a season was planned or closed meanwhile: they are others now.
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
        ? { Put: { TableName: this.table, Item: { ...Key, Reason: ban.reason, BannedBy: ban.bannedBy, At: ban.at } } }
        : { Delete: { TableName: this.table, Key } },
      // The race: a season is planned and takes over the bans just before this one is there.
      this.latestIs(gameId, latestSeason),
      ...open.flatMap(({ season, mark }) => [
        mark,
        {
          ConditionCheck: {
            TableName: this.table,
            Key: { GameID: gameId, Entry: seasonEntry(season) },
            // The race: the season closes. Its ranks must not change behind its end.
            ConditionExpression: 'SeasonStatus = :open',
            ExpressionAttributeValues: { ':open': 'open' },
          },
        },
      ]),
    ]);
  }

  /**
   * Marks a player who is banned in a season that was planned after the ban. @returns false when the ban was taken back
   * meanwhile.
   */
  carryBan(gameId: string, playerId: string, mark: TransactItem): Promise<boolean> {
    return this.transact([
      mark,
      // The race: the ban is taken back between our look and this mark, which then nobody would take back.
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
        : Array.from({ length: FENCES }, (_, i): TransactItem => ({
            Put: { TableName: this.table, Item: { GameID: gameId, Entry: fenceEntry(season.number, i) } },
          }))),
    ];
  }

  /** @returns false when a condition failed. @throws LongwatchError `contention` when others were in the way. */
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

function banOf(item: Record<string, unknown>): Ban {
  return {
    playerId: (item['Entry'] as string).slice(banEntries.length),
    reason: item['Reason'] as string,
    bannedBy: item['BannedBy'] as string,
    at: item['At'] as number,
  };
}
