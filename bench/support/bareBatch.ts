import { BatchGetItemCommand, type TransactWriteItem, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { InvokeEndpointCommand } from '@aws-sdk/client-sagemaker-runtime';
import { bareWrites, type Floor } from './floor';

export interface BareTransaction {
  transactionId: string;
  userId: string;
  merchantId: string;
}

/** Maximum number of keys in a BatchGetItem, and of items in a TransactWriteItems. */
const KEYS = 100;
const ITEMS = 100;
const CONCURRENT_WRITES = 4;

/**
 * The baseline of a batch of decisions: reads the same items, makes one scoring call for all rows, and writes the same
 * items, with the largest possible calls. No stream, validation, features, rules, checkpoint or retries.
 */
export async function bareBatch(floor: Floor, batch: readonly BareTransaction[]): Promise<void> {
  const table = (name: string) => `${floor.tablePrefix}${name}`;
  const users = [...new Set(batch.map(({ userId }) => userId))];
  const keys = [
    ...batch.map(({ transactionId }) => ({ name: 'Decisions', key: { TransactionID: { S: transactionId } } })),
    ...users.map((id) => ({ name: 'UserProfiles', key: { UserID: { S: id } } })),
    ...[...new Set(batch.map(({ merchantId }) => merchantId))].map((id) => ({
      name: 'MerchantProfiles',
      key: { MerchantID: { S: id } },
    })),
  ];
  const pages = Array.from({ length: Math.ceil(keys.length / KEYS) }, (_, i) => keys.slice(i * KEYS, (i + 1) * KEYS));
  await Promise.all(
    pages.map((page) => {
      const RequestItems: NonNullable<ConstructorParameters<typeof BatchGetItemCommand>[0]['RequestItems']> = {};
      for (const { name, key } of page)
        (RequestItems[table(name)] ??= {
          Keys: [],
          ...(name !== 'MerchantProfiles' && { ConsistentRead: true }),
        }).Keys?.push(key);
      return floor.dynamodb.send(new BatchGetItemCommand({ RequestItems }));
    }),
  );
  await floor.sagemaker.send(
    new InvokeEndpointCommand({
      EndpointName: floor.endpointName,
      ContentType: 'text/csv',
      Accept: 'application/json',
      CustomAttributes: 'explain=approximate',
      Body: batch.map(() => floor.row).join('\n'),
    }),
  );
  const groups: TransactWriteItem[][] = [];
  for (const userId of users) {
    const mine = batch.filter((one) => one.userId === userId);
    const items = bareWrites(
      floor,
      userId,
      mine.map(({ transactionId }) => transactionId),
    );
    if ((groups.at(-1)?.length ?? ITEMS) + items.length > ITEMS) groups.push([]);
    groups.at(-1)?.push(...items);
  }
  let next = 0;
  const lane = async () => {
    for (let TransactItems = groups[next++]; TransactItems; TransactItems = groups[next++])
      await floor.dynamodb.send(new TransactWriteItemsCommand({ TransactItems }));
  };
  await Promise.all(Array.from({ length: CONCURRENT_WRITES }, lane));
}
