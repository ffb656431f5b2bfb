import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reader } from './capability';
import type { Deployment } from './deployment';

const TRIES = 20;

/** Reads what is there, by the API itself and from its tables. */
export function readerOf({
  directUrl,
  key,
  db,
  temporal,
}: Pick<Deployment, 'directUrl' | 'key' | 'db' | 'temporal'>): Reader {
  const ask: Reader['ask'] = async (path, headers = {}) => {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await fetch(`${directUrl}${path}`, {
          headers: { authorization: `Bearer ${key}`, ...headers },
          signal: AbortSignal.timeout(15_000),
        });
        const text = await response.text();
        if (response.status !== 503 || attempt === TRIES)
          return { status: response.status, body: (text.startsWith('{') ? JSON.parse(text) : {}) as never };
      } catch (error) {
        if (attempt === TRIES) throw error;
      }
      await sleep(200);
    }
  };
  return {
    ask,
    async get<T>(path: string) {
      const { status, body } = await ask<T>(path);
      if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
      return body;
    },
    db,
    async scan(table) {
      const items: Record<string, unknown>[] = [];
      let ExclusiveStartKey: Record<string, unknown> | undefined;
      do {
        const page = await db.client.send(
          new ScanCommand({
            TableName: db.table(table),
            ConsistentRead: true,
            ...(ExclusiveStartKey && { ExclusiveStartKey }),
          }),
        );
        items.push(...(page.Items ?? []));
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey);
      return items;
    },
    temporal,
  };
}
