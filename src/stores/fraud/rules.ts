import { GetCommand, QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../../domain/errors';
import type { RuleSet } from '../../domain/fraud/ruleSet';
import { cancellationCodes, type Db } from '../dynamodb';

/** There is one rule set, for transactions; the key leaves room for more. */
const RULE_SET_ID = 'transactions';
/** The item that points at the current version. */
const POINTER = 0;

export interface StoredRuleSet {
  /** 1, 2, 3, … */
  version: number;
  ruleSet: RuleSet;
  putBy: string;
  /** ISO 8601 UTC. */
  putAt: string;
}

/** Every version of the rule set, and which one is current. Versions are never changed. */
export class RuleStore {
  constructor(private readonly db: Db) {}

  /** The current version, or undefined before the first. Two strongly consistent reads. */
  async current(): Promise<StoredRuleSet | undefined> {
    const version = await this.currentVersion();
    return version === 0 ? undefined : this.version(version);
  }

  /** 0 before the first. */
  async currentVersion(): Promise<number> {
    const pointer = await this.read(POINTER);
    return (pointer?.['Current'] as number | undefined) ?? 0;
  }

  async version(version: number): Promise<StoredRuleSet | undefined> {
    const item = version === POINTER ? undefined : await this.read(version);
    return item && storedRuleSet(item);
  }

  /** Versions, newest first. */
  async versions(limit: number): Promise<StoredRuleSet[]> {
    const { Items = [] } = await this.db.client.send(
      new QueryCommand({
        TableName: this.db.table('Rules'),
        KeyConditionExpression: 'RuleSetID = :id AND Version > :pointer',
        ExpressionAttributeValues: { ':id': RULE_SET_ID, ':pointer': POINTER },
        ScanIndexForward: false,
        Limit: limit,
      }),
    );
    return Items.map(storedRuleSet);
  }

  /**
   * Makes a validated rule set the current one.
   * @throws LongwatchError `versionMismatch` when `ifVersion` is not the current version any more.
   */
  async put(ruleSet: RuleSet, by: { ifVersion: number; putBy: string; at: string }): Promise<number> {
    const version = by.ifVersion + 1;
    const TableName = this.db.table('Rules');
    try {
      await this.db.client.send(
        new TransactWriteCommand({
          TransactItems: [
            {
              Put: {
                TableName,
                Item: { RuleSetID: RULE_SET_ID, Version: version, RuleSet: JSON.stringify(ruleSet), PutBy: by.putBy, PutAt: by.at },
                // The race: two people saving at once. The second one's version exists already.
                ConditionExpression: 'attribute_not_exists(Version)',
              },
            },
            {
              Update: {
                TableName,
                Key: { RuleSetID: RULE_SET_ID, Version: POINTER },
                // Reserved word, hence the alias.
                UpdateExpression: 'SET #current = :next',
                ConditionExpression: by.ifVersion === 0 ? 'attribute_not_exists(#current)' : '#current = :version',
                ExpressionAttributeNames: { '#current': 'Current' },
                ExpressionAttributeValues: { ':next': version, ...(by.ifVersion > 0 && { ':version': by.ifVersion }) },
              },
            },
          ],
        }),
      );
      return version;
    } catch (error) {
      if (!cancellationCodes(error)) throw error;
      throw new LongwatchError(
        'versionMismatch',
        `Version ${by.ifVersion} is not the current rule set any more; read it again, then change it`,
        { cause: error },
      );
    }
  }

  /** Puts the first version if there is none. Safe to run from several processes at once. */
  async ensureDefault(ruleSet: RuleSet, at: string): Promise<void> {
    if ((await this.currentVersion()) > 0) return;
    try {
      await this.put(ruleSet, { ifVersion: 0, putBy: 'longwatch', at });
    } catch (error) {
      // Another process put it first: there is a first version, which is all that is wanted.
      if (!(error instanceof LongwatchError && error.type === 'versionMismatch')) throw error;
    }
  }

  private async read(Version: number): Promise<Record<string, unknown> | undefined> {
    const { Item } = await this.db.client.send(
      new GetCommand({ TableName: this.db.table('Rules'), Key: { RuleSetID: RULE_SET_ID, Version }, ConsistentRead: true }),
    );
    return Item;
  }
}

function storedRuleSet(item: Record<string, unknown>): StoredRuleSet {
  return {
    version: item['Version'] as number,
    ruleSet: JSON.parse(item['RuleSet'] as string) as RuleSet,
    putBy: item['PutBy'] as string,
    putAt: item['PutAt'] as string,
  };
}
