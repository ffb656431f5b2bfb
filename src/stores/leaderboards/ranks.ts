import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import { compositeKey } from '../../domain/ids';
import { boardSeason, type RankShard } from '../../domain/leaderboards/rankShards';
import type { RankEntry, Ranking } from '../../domain/leaderboards/ranking';
import { batchGet } from '../batchGet';
import { batchWrite } from '../batchWrite';
import { type Db, isConditionFailure } from '../dynamodb';
import { composite, deflatedJson, flag, itemType, json, number, optional, orElse, text } from '../items';
import { queryAll } from '../query';
import type { TransactItem } from '../platform/outbox';
import { leaderboardTables } from './tables';

/** The current version of a ranking. */
export interface Head {
  /** Incremented with every change of the head; 0 if there is no head yet. */
  version: number;
  ranking: Ranking;
  /** The attempt that made this version: the prefix of its nodes' ids. */
  attempt: string;
  /** Time when the newest ranked score was written, epoch ms; 0 if no score is ranked. */
  asOf: number;
  /** The stream reader has passed the season's end marker, so the ranking is final. */
  isSealed: boolean;
  /** The last check marker that the stream reader has passed. */
  mark?: string;
  /**
   * Set while the ranking is checked against the table: every change is logged under this name, and no node is removed.
   */
  log?: string;
}

/** The changed players with their new rank entries; null if the player is no longer ranked. */
export type Changes = ReadonlyMap<string, RankEntry | null>;

const HEAD = 'head';
const headItems = itemType(leaderboardTables, 'LeaderboardRanks', {
  version: number('Version'),
  ranking: json<Ranking>('Roots'),
  attempt: text('Attempt'),
  asOf: number('AsOf'),
  isSealed: orElse(flag('Sealed'), false),
  mark: optional(text('CheckMark')),
  log: optional(text('LogName')),
});
const versionItems = headItems.pick('version');
const logItems = itemType(leaderboardTables, 'LeaderboardRanks', {
  entry: composite('Entry'),
  changes: deflatedJson<readonly (readonly [string, RankEntry | null])[]>('Changes'),
});
const logKeys = logItems.pick('entry');

/** The heads of rankings, and the logs of their changes during a check. */
export class RankStore {
  constructor(private readonly db: Db) {}

  /** Returns the heads of rankings. Strongly consistent. */
  async heads(shards: readonly RankShard[]): Promise<Head[]> {
    const { LeaderboardRanks } = await batchGet(this.db, {
      LeaderboardRanks: { keys: shards.map((shard) => this.key(shard, HEAD)), consistent: true },
    });
    const found = new Map(LeaderboardRanks.map((item) => [item['Ranking'], headItems.read(item)]));
    return shards.map(
      (shard) => found.get(boardSeason(shard)) ?? { version: 0, ranking: {}, attempt: '', asOf: 0, isSealed: false },
    );
  }

  /** Returns the head of one ranking. Strongly consistent. */
  async head(shard: RankShard): Promise<Head> {
    const [head] = await this.heads([shard]);
    if (!head) throw new RangeError('A head was asked for');
    return head;
  }

  /** Returns the item of a `TransactWriteItems` that makes a ranking's next version current. */
  advance(shard: RankShard, before: Head, after: Omit<Head, 'version' | 'log'>): TransactItem {
    return {
      Update: {
        TableName: this.table,
        Key: this.key(shard, HEAD),
        UpdateExpression:
          'SET Version = :next, Roots = :roots, Attempt = :attempt, AsOf = ' +
          `:asOf${after.isSealed ? ', Sealed = :sealed' : ''}${after.mark === undefined ? '' : ', CheckMark = :mark'}`,
        // Races: a stream reader that lost its lease writes, too; or a rebuild of the ranking comes in between.
        ConditionExpression: before.version === 0 ? 'attribute_not_exists(Version)' : 'Version = :version',
        ExpressionAttributeValues: {
          ':next': before.version + 1,
          ':roots': JSON.stringify(after.ranking),
          ':attempt': after.attempt,
          ':asOf': after.asOf,
          ...(after.isSealed && { ':sealed': true }),
          ...defined({ ':mark': after.mark }),
          ...(before.version > 0 && { ':version': before.version }),
        },
      },
    };
  }

  /** Returns the item of a `TransactWriteItems` that logs a version's changes for the running check. */
  note(shard: RankShard, log: string, version: number, changes: Changes): TransactItem {
    return {
      Put: {
        TableName: this.table,
        Item: logItems.write({ entry: logEntry(log, version), changes: [...changes] }, { Ranking: boardSeason(shard) }),
      },
    };
  }

  /**
   * Starts a log: from the returned version on, every change is logged under its name. Replaces the log of another
   * check.
   */
  async startLog(shard: RankShard, log: string): Promise<number> {
    const { Attributes } = await this.db.client.send(
      new UpdateCommand({
        TableName: this.table,
        Key: this.key(shard, HEAD),
        // The new version makes a concurrent change without a log entry fail, so that it is repeated with one.
        UpdateExpression:
          'SET LogName = :log, Roots = if_not_exists(Roots, :none), Attempt = if_not_exists(Attempt, :nobody), ' +
          'AsOf = if_not_exists(AsOf, :never) ADD Version :one',
        ExpressionAttributeValues: { ':log': log, ':one': 1, ':none': '{}', ':nobody': '', ':never': 0 },
        ReturnValues: 'UPDATED_NEW',
      }),
    );
    return versionItems.read(Attributes ?? {}).version;
  }

  /** Returns the logged versions after the given one with their changes, in order. Strongly consistent. */
  async noted(shard: RankShard, log: string, afterVersion: number): Promise<{ version: number; changes: Changes }[]> {
    const all: { version: number; changes: Changes }[] = [];
    const query = {
      table: 'LeaderboardRanks',
      where: 'Ranking = :ranking AND Entry BETWEEN :from AND :to',
      values: {
        ':ranking': boardSeason(shard),
        ':from': compositeKey(...logEntry(log, afterVersion + 1)),
        ':to': compositeKey(...logEntry(log, Number.MAX_SAFE_INTEGER)),
      },
      consistent: true,
    };
    for await (const items of queryAll(this.db, query))
      for (const { entry, changes } of items.map(logItems.read))
        all.push({ version: Number(entry[2]), changes: new Map(changes) });
    return all;
  }

  /**
   * Ends a log. If the checked ranking was wrong, replaces it.
   * @returns false if the ranking has changed since `before`, or another check has started.
   */
  async endLog(
    shard: RankShard,
    before: Head,
    log: string,
    replacement?: { ranking: Ranking; attempt: string },
  ): Promise<boolean> {
    const roots = replacement ? ', Roots = :roots, Attempt = :attempt' : '';
    try {
      await this.db.client.send(
        new UpdateCommand({
          TableName: this.table,
          Key: this.key(shard, HEAD),
          UpdateExpression: `SET Version = :next${roots} REMOVE LogName`,
          // Race: the stream reader changes the ranking at the same moment. Then the check reads its log entry first.
          ConditionExpression: 'Version = :version AND LogName = :log',
          ExpressionAttributeValues: {
            ':next': before.version + 1,
            ':version': before.version,
            ':log': log,
            ...(replacement && { ':roots': JSON.stringify(replacement.ranking), ':attempt': replacement.attempt }),
          },
        }),
      );
      return true;
    } catch (error) {
      if (isConditionFailure(error)) return false;
      throw error;
    }
  }

  /** Deletes the entries of all logs except the given one. */
  async clearLogs(shard: RankShard, except?: string): Promise<void> {
    const query = {
      table: 'LeaderboardRanks',
      where: 'Ranking = :ranking AND begins_with(Entry, :logs)',
      values: { ':ranking': boardSeason(shard), ':logs': compositeKey('log', '') },
      projection: 'Ranking, Entry',
    };
    for await (const items of queryAll(this.db, query)) {
      const old = items.filter((item) => logKeys.read(item).entry[1] !== except);
      await batchWrite(
        this.db,
        'LeaderboardRanks',
        old.map((Key) => ({ DeleteRequest: { Key } })),
      );
    }
  }

  private key(shard: RankShard, Entry: string): { Ranking: string; Entry: string } {
    return { Ranking: boardSeason(shard), Entry };
  }

  private get table(): string {
    return this.db.table('LeaderboardRanks');
  }
}

const logEntry = (log: string, version: number) => ['log', log, String(version).padStart(16, '0')];
