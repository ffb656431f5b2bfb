import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Db } from './dynamodb';

/**
 * Items of some tables, as DynamoDB last counted them: on AWS about every six hours, so never more than a size.
 * A description a table, which consumes nothing; no scan.
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
