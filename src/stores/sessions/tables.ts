import { numberKey, stringKey, type Tables } from '../tableSpec';

/** The tables of sessions. */
export const sessionTables = {
  /**
   * Sessions by the hash of their id: the head (Part = `session`) and, if the data does not fit into the head, the data
   * (Part = `data`). A user's list of sign-ins has SessionKey = `user#<UserID>` and Part = `sign-in#<Handle>`. The
   * index Expiry contains only heads.
   */
  Sessions: {
    partitionKey: stringKey('SessionKey'),
    sortKey: stringKey('Part'),
    indexes: {
      Expiry: { partitionKey: stringKey('ExpiryBucket'), sortKey: numberKey('CheckAt'), projection: 'KEYS_ONLY' },
    },
    ttl: 'RemoveAt',
  },
} as const satisfies Tables;
