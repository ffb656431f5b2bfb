import {
  decodeMerchantProfile,
  emptyMerchantProfile,
  encodeMerchantProfile,
  type MerchantProfile,
} from '../../domain/fraud/merchantProfile';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';
import type { TransactItem } from '../platform/outbox';

/** A merchant's profile, with the version that a write has in its condition. */
export interface VersionedMerchant {
  profile: MerchantProfile;
  /** 0 if there is no item yet. */
  version: number;
}

/** The counters of merchants. Only the reader of TransactionHistory's stream writes them. */
export class MerchantStore {
  constructor(private readonly db: Db) {}

  /** Reads merchants, strongly consistent. A merchant without an item has an empty profile. */
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

  /** Returns the item of a `TransactWriteItems` that replaces a profile. */
  replace(merchantId: string, before: VersionedMerchant, after: MerchantProfile): TransactItem {
    return {
      Put: {
        TableName: this.db.table('MerchantProfiles'),
        Item: { MerchantID: merchantId, State: encodeMerchantProfile(after), Version: before.version + 1 },
        // Race: the reader of another shard updates the same merchant. The one that loses reads the profile and applies
        // its records again.
        ConditionExpression: before.version === 0 ? 'attribute_not_exists(Version)' : 'Version = :version',
        ...(before.version > 0 && { ExpressionAttributeValues: { ':version': before.version } }),
      },
    };
  }
}
