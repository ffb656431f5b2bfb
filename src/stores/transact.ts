import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { cancellationCodes, type Db } from './dynamodb';
import type { TransactItem } from './platform/outbox';

/**
 * Writes all or nothing.
 * @returns undefined when written, else of each item why it was not: `None`, `ConditionalCheckFailed`, or something
 *   that passes (`TransactionConflict`, `ThrottlingError`).
 */
export async function transact(db: Db, items: readonly TransactItem[]): Promise<string[] | undefined> {
  try {
    await db.client.send(new TransactWriteCommand({ TransactItems: [...items] }));
    return undefined;
  } catch (error) {
    const codes = cancellationCodes(error);
    if (!codes) throw error;
    return codes;
  }
}
