import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../domain/errors';
import type { Db } from './dynamodb';
import type { TransactItem } from './platform/outbox';
import { queryOnce } from './query';
import { transact } from './transact';

/** The item that points at the current version. */
const POINTER = 0;

export interface Stored<T> {
  /** 1, 2, 3, … */
  version: number;
  value: T;
  putBy: string;
  /** ISO 8601 UTC. */
  putAt: string;
}

export interface PutBy {
  /** The version that is replaced; 0 before the first. */
  ifVersion: number;
  putBy: string;
  /** ISO 8601 UTC. */
  at: string;
}

/** Every version of something that people set, and which one is current. Versions are never changed. */
export class VersionedStore<T> {
  /**
   * @param id of the thing: its key in the table Rules, which holds more than rules by now.
   * @param what names it in errors.
   */
  constructor(
    private readonly db: Db,
    private readonly id: string,
    private readonly what: string,
  ) {}

  /** The current version, or undefined before the first. Two strongly consistent reads. */
  async current(): Promise<Stored<T> | undefined> {
    const version = await this.currentVersion();
    return version === 0 ? undefined : this.version(version);
  }

  /** 0 before the first. */
  async currentVersion(): Promise<number> {
    const pointer = await this.read(POINTER);
    return (pointer?.['Current'] as number | undefined) ?? 0;
  }

  async version(version: number): Promise<Stored<T> | undefined> {
    const item = version === POINTER ? undefined : await this.read(version);
    return item && stored<T>(item);
  }

  /** Versions, newest first. */
  async versions(limit: number): Promise<Stored<T>[]> {
    const items = await queryOnce(this.db, {
      table: 'Rules',
      where: 'RuleSetID = :id AND Version > :pointer',
      values: { ':id': this.id, ':pointer': POINTER },
      descending: true,
      limit,
    });
    return items.map((item) => stored<T>(item));
  }

  /**
   * Makes a valid value the current one.
   * @throws LongwatchError `versionMismatch` when `ifVersion` is not the current version any more.
   */
  async put(value: T, by: PutBy): Promise<number> {
    await putAll(this.db, [this.putting(value, by)]);
    return by.ifVersion + 1;
  }

  /** What makes a value the current one, for {@link putAll}. */
  putting(value: T, { ifVersion, putBy, at }: PutBy): Putting {
    const TableName = this.db.table('Rules');
    const items: TransactItem[] = [
      {
        Put: {
          TableName,
          Item: { RuleSetID: this.id, Version: ifVersion + 1, RuleSet: JSON.stringify(value), PutBy: putBy, PutAt: at },
          // The race: two people saving at once. The second one's version exists already.
          ConditionExpression: 'attribute_not_exists(Version)',
        },
      },
      {
        Update: {
          TableName,
          Key: { RuleSetID: this.id, Version: POINTER },
          // Reserved word, hence the alias.
          UpdateExpression: 'SET #current = :next',
          ConditionExpression: ifVersion === 0 ? 'attribute_not_exists(#current)' : '#current = :version',
          ExpressionAttributeNames: { '#current': 'Current' },
          ExpressionAttributeValues: { ':next': ifVersion + 1, ...(ifVersion > 0 && { ':version': ifVersion }) },
        },
      },
    ];
    const lost = (cause: unknown) =>
      new LongwatchError(
        'versionMismatch',
        `Version ${ifVersion} is not the current ${this.what} any more; read it again, then change it`,
        { cause },
      );
    return { items, lost };
  }

  /** Puts the first version if there is none. Safe to run from several processes at once. */
  async ensureDefault(value: T, at: string): Promise<void> {
    if ((await this.currentVersion()) > 0) return;
    try {
      await this.put(value, { ifVersion: 0, putBy: 'longwatch', at });
    } catch (error) {
      // Another process put it first: there is a first version, which is all that is wanted.
      if (!(error instanceof LongwatchError && error.type === 'versionMismatch')) throw error;
    }
  }

  private async read(Version: number): Promise<Record<string, unknown> | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Rules'), Key: { RuleSetID: this.id, Version }, ConsistentRead: true }),
    );
    return Item;
  }
}

/**
 * Makes several values current, all or none.
 * @throws LongwatchError `versionMismatch` naming the first that has moved on.
 */
export async function putAll(db: Db, puts: readonly Putting[]): Promise<void> {
  const parts = Object.fromEntries(puts.map(({ items }, i) => [`${i}`, items]));
  const cancelled = await transact(db, parts);
  if (!cancelled) return;
  const { lost, busy, cause } = cancelled;
  throw puts.find((_, i) => lost.has(`${i}`) || busy.has(`${i}`))?.lost(cause) ?? cause;
}

export interface Putting {
  items: readonly TransactItem[];
  /** The error when one of the items' conditions failed. */
  lost(cause: unknown): LongwatchError;
}

function stored<T>(item: Record<string, unknown>): Stored<T> {
  return {
    version: item['Version'] as number,
    value: JSON.parse(item['RuleSet'] as string) as T,
    putBy: item['PutBy'] as string,
    putAt: item['PutAt'] as string,
  };
}
