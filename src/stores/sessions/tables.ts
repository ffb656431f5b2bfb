import { numberKey, stringKey, type Tables } from '../tables';

/** The tables of sessions. */
export const sessionTables = {
  /**
   * Sessions by the hash of their id: the head (Part = `session`) and, where it has no room for it, the data (Part =
   * `data`);
   * a user's list (SessionKey = `user#<UserID>`, Part = `sign-in#<Handle>`). Expiry holds heads alone.
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
