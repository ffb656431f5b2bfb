import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import {
  decodeMerchantProfile,
  emptyMerchantProfile,
  encodeMerchantProfile,
  type MerchantProfile,
} from '../../domain/fraud/merchantProfile';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../ledger';

export interface VersionedMerchant {
  profile: MerchantProfile;
  /** 0: there is no item yet. */
  version: number;
}

/** Merchants' counters. Only the stream of TransactionHistory writes them. */
export class MerchantStore {
  constructor(private readonly db: Db) {}

  /** Up to 100 merchants, strongly consistent; those without an item come back empty. */
  async read(merchantIds: readonly string[]): Promise<Map<string, VersionedMerchant>> {
    const table = this.db.table('MerchantProfiles');
    const found = new Map<string, VersionedMerchant>(
      merchantIds.map((id) => [id, { profile: emptyMerchantProfile(), version: 0 }]),
    );
    let Keys: Record<string, unknown>[] = [...found.keys()].map((MerchantID) => ({ MerchantID }));
    while (Keys.length > 0) {
      const { Responses, UnprocessedKeys } = await this.db.client.send(
        new BatchGetCommand({ RequestItems: { [table]: { Keys, ConsistentRead: true } } }),
      );
      for (const item of Responses?.[table] ?? [])
        found.set(item['MerchantID'] as string, {
          profile: decodeMerchantProfile(item['State'] as string),
          version: item['Version'] as number,
        });
      Keys = UnprocessedKeys?.[table]?.Keys ?? [];
    }
    return found;
  }

  /** The part of a `TransactWriteItems` that replaces a profile. */
  replace(merchantId: string, before: VersionedMerchant, after: MerchantProfile): TransactItem {
    return {
      Put: {
        TableName: this.db.table('MerchantProfiles'),
        Item: { MerchantID: merchantId, State: encodeMerchantProfile(after), Version: before.version + 1 },
        // The race: another shard of the stream folds the same merchant. The loser reads again and folds again.
        ConditionExpression: before.version === 0 ? 'attribute_not_exists(Version)' : 'Version = :version',
        ...(before.version > 0 && { ExpressionAttributeValues: { ':version': before.version } }),
      },
    };
  }
}
