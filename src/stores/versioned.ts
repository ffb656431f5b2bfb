import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../domain/errors';
import type { Db } from './dynamodb';
import type { TransactItem } from './platform/outbox';
import { type Item, itemType, json, number, text } from './items';
import { queryOnce } from './query';
import { numberKey, stringKey } from './tableSpec';
import { transact } from './transact';

/** The `Version` of the item that points at the current version. */
const POINTER = 0;
const tables = { Rules: { partitionKey: stringKey('RuleSetID'), sortKey: numberKey('Version') } };

/** One version of a value. */
export interface Stored<T> {
  /** 1, 2, 3, … */
  version: number;
  value: T;
  putBy: string;
  /** ISO 8601 UTC. */
  putAt: string;
}

/** Who replaces which version, and when. */
export interface PutBy {
  /** The version to replace; 0 to write the first. */
  ifVersion: number;
  putBy: string;
  /** ISO 8601 UTC. */
  at: string;
}

/**
 * The versions of a value that supervisors set, such as a rule set, and a pointer to the current one. A stored version
 * never changes.
 */
export class VersionedStore<T> {
  /**
   * @param id the value's key in the table `Rules`, which holds other values than rules, too.
   * @param what the noun for the value in error messages.
   */
  constructor(
    private readonly db: Db,
    private readonly id: string,
    private readonly what: string,
  ) {}

  /** Returns the current version, or undefined before the first. Two strongly consistent reads. */
  async current(): Promise<Stored<T> | undefined> {
    const version = await this.currentVersion();
    return version === 0 ? undefined : this.version(version);
  }

  /** Returns the number of the current version; 0 before the first. */
  async currentVersion(): Promise<number> {
    const pointer = await this.read(POINTER);
    return pointer ? pointerItems.read(pointer).current : 0;
  }

  /** Returns one version. */
  async version(version: number): Promise<Stored<T> | undefined> {
    const item = version === POINTER ? undefined : await this.read(version);
    return item && stored<T>(item);
  }

  /** Returns up to `limit` versions, newest first. */
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
   * Stores the next version and makes it the current one. The caller has validated the value.
   * @returns its number.
   * @throws LongwatchError `versionMismatch` when `ifVersion` is not the current version.
   */
  async put(value: T, by: PutBy): Promise<number> {
    await putAll(this.db, [this.putting(value, by)]);
    return by.ifVersion + 1;
  }

  /** Returns the writes of {@link put}, for {@link putAll}. */
  putting(value: T, { ifVersion, putBy, at }: PutBy): Putting {
    const TableName = this.db.table('Rules');
    const items: TransactItem[] = [
      {
        Put: {
          TableName,
          Item: versionItems.write({ version: ifVersion + 1, value, putBy, putAt: at }, { RuleSetID: this.id }),
          // Race: two supervisors save at the same time. The second write finds its version already stored.
          ConditionExpression: 'attribute_not_exists(Version)',
        },
      },
      {
        Update: {
          TableName,
          Key: { RuleSetID: this.id, Version: POINTER },
          // `Current` is a reserved word.
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

  /** Stores the first version if there is none. Several processes may run it at once. */
  async ensureDefault(value: T, at: string): Promise<void> {
    if ((await this.currentVersion()) > 0) return;
    try {
      await this.put(value, { ifVersion: 0, putBy: 'longwatch', at });
    } catch (error) {
      // Race: another process stored the first version.
      if (!(error instanceof LongwatchError && error.type === 'versionMismatch')) throw error;
    }
  }

  private async read(Version: number): Promise<Item | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Rules'), Key: { RuleSetID: this.id, Version }, ConsistentRead: true }),
    );
    return Item;
  }
}

/**
 * Stores the next version of several values and makes them current, all or none.
 * @throws LongwatchError `versionMismatch` for the first value whose current version has changed.
 */
export async function putAll(db: Db, puts: readonly Putting[]): Promise<void> {
  const parts = Object.fromEntries(puts.map(({ items }, i) => [`${i}`, items]));
  const cancelled = await transact(db, parts);
  if (!cancelled) return;
  const { lost, busy, cause } = cancelled;
  throw puts.find((_, i) => lost.has(`${i}`) || busy.has(`${i}`))?.lost(cause) ?? cause;
}

/** The writes that store the next version of one value. */
export interface Putting {
  items: readonly TransactItem[];
  /** Returns the error to throw when a condition of the items failed. */
  lost(cause: unknown): LongwatchError;
}

const pointerItems = itemType(tables, 'Rules', { current: number('Current') });
const versionItems = itemType(tables, 'Rules', {
  version: number('Version'),
  value: json<unknown>('RuleSet'),
  putBy: text('PutBy'),
  putAt: text('PutAt'),
});
const stored = <T>(item: Item): Stored<T> => versionItems.read(item) as Stored<T>;
