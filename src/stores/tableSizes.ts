import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Db } from './dynamodb';

/**
 * Returns the number of items of some tables as DynamoDB last counted it. AWS counts about every six hours, so use it
 * only as an approximate size. One DescribeTable per table, which consumes no units; no scan.
 */
export async function tableSizes(
  client: DynamoDBClient,
  db: Pick<Db, 'table'>,
  names: readonly string[],
): Promise<Record<string, number>> {
  const sizes = await Promise.all(
    names.map(async (name) => {
      const { Table } = await client.send(new DescribeTableCommand({ TableName: db.table(name) }));
      return [name, Table?.ItemCount ?? 0] as const;
    }),
  );
  return Object.fromEntries(sizes);
}
