import {
  decodeMerchantProfile,
  emptyMerchantProfile,
  encodeMerchantProfile,
  type MerchantProfile,
} from '../../domain/fraud/merchantProfile';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';

export interface VersionedMerchant {
  profile: MerchantProfile;
  /** 0: there is no item yet. */
  version: number;
}

/** Merchants' counters. Only the stream of TransactionHistory writes them. */
export class MerchantStore {
  constructor(private readonly db: Db) {}

  /** Merchants, strongly consistent; those without an item come back empty. */
  async read(merchantIds: readonly string[]): Promise<Map<string, VersionedMerchant>> {
    const found = new Map<string, VersionedMerchant>(
      merchantIds.map((id) => [id, { profile: emptyMerchantProfile(), version: 0 }]),
    );
    const keys = [...found.keys()].map((MerchantID) => ({ MerchantID }));
    const { MerchantProfiles } = await batchGet(this.db, { MerchantProfiles: { keys, consistent: true } });
    for (const item of MerchantProfiles)
      found.set(item['MerchantID'] as string, {
        profile: decodeMerchantProfile(item['State'] as string),
        version: item['Version'] as number,
      });
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
