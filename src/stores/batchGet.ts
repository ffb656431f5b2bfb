import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../domain/defined';
import { LongwatchError } from '../domain/errors';
import { type Backoff, THROTTLING } from '../domain/platform/backoff';
import { again, retry } from '../timing/retry';
import type { Db } from './dynamodb';

type Item = Record<string, unknown>;

/** The items to read from one table. */
export interface KeysOf {
  keys: readonly Item[];
  /** Strongly consistent. Default: eventually consistent, at half the read units. */
  consistent?: boolean;
  projection?: string;
}

/** Maximum number of keys in one BatchGetItem. */
const LIMIT = 100;
/**
 * Under load DynamoDB leaves some keys unprocessed.
 */
const ATTEMPTS = 20;
const BACKOFF: Backoff = { ...THROTTLING, lastMs: 1_000 };

/**
 * Reads any number of items by their keys. The result is unordered and omits missing items. Keys must not repeat.
 * @throws LongwatchError `unavailable` when DynamoDB still leaves keys unprocessed after 20 attempts.
 */
export async function batchGet<T extends string>(
  db: Pick<Db, 'client' | 'table'>,
  wanted: Readonly<Record<T, KeysOf>>,
): Promise<Record<T, Item[]>> {
  const names = Object.keys(wanted) as T[];
  const found = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<T, Item[]>;
  const all = names.flatMap((name) => wanted[name].keys.map((key) => ({ name, key })));
  const pages: (typeof all)[] = [];
  for (let i = 0; i < all.length; i += LIMIT) pages.push(all.slice(i, i + LIMIT));
  await Promise.all(
    pages.map(async (page) => {
      let RequestItems: NonNullable<ConstructorParameters<typeof BatchGetCommand>[0]['RequestItems']> = {};
      for (const { name, key } of page) {
        const { consistent, projection } = wanted[name];
        const request = (RequestItems[db.table(name)] ??= {
          Keys: [],
          ...(consistent && { ConsistentRead: true }),
          ...defined({ ProjectionExpression: projection }),
        });
        request.Keys?.push(key);
      }
      const exhausted = (cause: unknown) =>
        new LongwatchError('unavailable', 'DynamoDB did not return all items in time', { cause });
      await retry({ attempts: ATTEMPTS, backoff: BACKOFF, exhausted }, async () => {
        const { Responses = {}, UnprocessedKeys = {} } = await db.client.send(new BatchGetCommand({ RequestItems }));
        for (const name of names) found[name].push(...(Responses[db.table(name)] ?? []));
        RequestItems = UnprocessedKeys as typeof RequestItems;
        return Object.keys(RequestItems).length > 0 ? again : undefined;
      });
    }),
  );
  return found;
}
