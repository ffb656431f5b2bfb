import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../domain/defined';
import { LongwatchError } from '../domain/errors';
import { type Backoff, THROTTLING } from '../domain/platform/backoff';
import { again, retry } from '../timing/retry';
import type { Db } from './dynamodb';

type Item = Record<string, unknown>;

/** What is wanted of one table. */
export interface KeysOf {
  keys: readonly Item[];
  /** Default: eventually consistent, at half the units. */
  consistent?: boolean;
  projection?: string;
}

/** BatchGetItem takes this many keys. */
const LIMIT = 100;
/** Under load DynamoDB leaves keys over. A caller with a deadline gives up earlier. */
const ATTEMPTS = 20;
const BACKOFF: Backoff = { ...THROTTLING, lastMs: 1_000 };

/**
 * Items by their keys, any number of them, in no particular order; absent ones are left out. Keys must not repeat.
 * @throws LongwatchError `unavailable` when DynamoDB leaves keys over again and again, or the signal comes first.
 */
export async function batchGet<T extends string>(
  db: Pick<Db, 'client' | 'table'>,
  wanted: Readonly<Record<T, KeysOf>>,
  abortSignal?: AbortSignal,
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
        new LongwatchError('unavailable', 'DynamoDB did not return all keys in time', { cause });
      await retry({ attempts: ATTEMPTS, backoff: BACKOFF, exhausted, signal: abortSignal }, async () => {
        const { Responses = {}, UnprocessedKeys = {} } = await db.client.send(
          new BatchGetCommand({ RequestItems }),
          defined({ abortSignal }),
        );
        for (const name of names) found[name].push(...(Responses[db.table(name)] ?? []));
        RequestItems = UnprocessedKeys as typeof RequestItems;
        return Object.keys(RequestItems).length > 0 ? again : undefined;
      });
    }),
  );
  return found;
}
