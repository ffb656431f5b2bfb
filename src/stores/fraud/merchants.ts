import {
  decodeMerchantProfile,
  emptyMerchantProfile,
  encodeMerchantProfile,
  type MerchantProfile,
} from '../../domain/fraud/merchantProfile';
import { batchGet } from '../batchGet';
import type { Db } from '../dynamodb';
import { type Item, itemType, number, text } from '../items';
import type { TransactItem } from '../platform/outbox';
import { fraudTables } from './tables';

const merchantItems = itemType(fraudTables, 'MerchantProfiles', {
  merchantId: text('MerchantID'),
  state: text('State'),
  version: number('Version'),
});

/** A merchant's profile, with the version that a write has in its condition. */
export interface VersionedMerchant {
  profile: MerchantProfile;
  /** 0 if there is no item yet. */
  version: number;
}

/** Converts an item to a merchant's id and profile. */
export function versionedMerchant(item: Item): [merchantId: string, VersionedMerchant] {
  const { merchantId, state, version } = merchantItems.read(item);
  return [merchantId, { profile: decodeMerchantProfile(state), version }];
}

/** The counters of merchants. Only the reader of TransactionHistory's stream writes them. */
export class MerchantStore {
  constructor(private readonly db: Db) {}

  /** Reads merchants, strongly consistent. A merchant without an item has an empty profile. */
  async read(merchantIds: readonly string[]): Promise<Map<string, VersionedMerchant>> {
    const ids = [...new Set(merchantIds)];
    const keys = ids.map((MerchantID) => ({ MerchantID }));
    const { MerchantProfiles } = await batchGet(this.db, { MerchantProfiles: { keys, consistent: true } });
    const none = ids.map((id) => [id, { profile: emptyMerchantProfile(), version: 0 }] as const);
    return new Map([...none, ...MerchantProfiles.map(versionedMerchant)]);
  }

  /** Returns the item of a `TransactWriteItems` that replaces a profile. */
  replace(merchantId: string, before: VersionedMerchant, after: MerchantProfile): TransactItem {
    return {
      Put: {
        TableName: this.db.table('MerchantProfiles'),
        Item: merchantItems.write({ merchantId, state: encodeMerchantProfile(after), version: before.version + 1 }),
        // Race: the reader of another shard updates the same merchant. The one that loses reads the profile and applies
        // its records again.
        ConditionExpression: before.version === 0 ? 'attribute_not_exists(Version)' : 'Version = :version',
        ...(before.version > 0 && { ExpressionAttributeValues: { ':version': before.version } }),
      },
    };
  }
}
