import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, QueryCommand, TransactWriteCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/**
 * The baseline's carts, as a first version of a shop would have them: a table with one item per line, without versions,
 * limits and workflows.
 */
export const BARE_TABLE = 'bare-ShoppingCart';
/** The baseline's items of a checkout, by kind and id. */
export const BARE_ITEMS = 'bare-Items';
export const TITLE = 'A book with a title of forty characters.';

/** Returns the SDK's document client without any middleware. */
export function bareClient(endpoint: string): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(
    new DynamoDBClient({
      region: 'us-east-1',
      endpoint,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      requestHandler: new NodeHttpHandler(),
    }),
  );
}

export async function bareAdd(client: DynamoDBDocumentClient, user: string, productId: string): Promise<void> {
  await client.send(
    new UpdateCommand({
      TableName: BARE_TABLE,
      Key: { UserID: user, ProductID: productId },
      UpdateExpression:
        'SET Title = :title, Price = :price, Currency = :currency, LastActivityAt = :now ADD Quantity :one',
      ExpressionAttributeValues: {
        ':title': TITLE,
        ':price': 1_999,
        ':currency': 'EUR',
        ':now': Date.now(),
        ':one': 1,
      },
      ReturnValues: 'UPDATED_NEW',
    }),
  );
}

export async function bareRead(client: DynamoDBDocumentClient, user: string): Promise<unknown> {
  const { Items } = await client.send(
    new QueryCommand({
      TableName: BARE_TABLE,
      KeyConditionExpression: 'UserID = :user',
      ExpressionAttributeValues: { ':user': user },
      ConsistentRead: true,
    }),
  );
  return Items;
}

/**
 * Writes the items of a checkout and of its confirmation, in two transactions with the same conditions. Reads nothing.
 */
export async function bareCheckout(
  client: DynamoDBDocumentClient,
  id: string,
  user: string,
  productIds: readonly string[],
): Promise<void> {
  const TableName = BARE_ITEMS;
  const key = (...parts: string[]) => ({ ID: parts.join('#') });
  const put = (...parts: string[]) => ({ Put: { TableName, Item: { ...key(...parts), Content: 'x'.repeat(500) } } });
  const move = (productId: string, from: string, to: string) => ({
    Update: {
      TableName,
      Key: key('product', productId),
      UpdateExpression: `ADD ${from} :less, ${to} :one`,
      ConditionExpression: `${from} >= :one`,
      ExpressionAttributeValues: { ':one': 1, ':less': -1 },
    },
  });
  const mark = {
    Update: {
      TableName,
      Key: key('checkout', id),
      UpdateExpression: 'SET CheckoutStatus = :status',
      ExpressionAttributeValues: { ':status': 'confirmed' },
    },
  };
  await client.send(
    new TransactWriteCommand({
      TransactItems: [
        put('checkout', id),
        put('start', id),
        put('cart', user),
        ...productIds.map((product) => move(product, 'OnHand', 'Held')),
      ],
    }),
  );
  await client.send(
    new TransactWriteCommand({
      TransactItems: [
        mark,
        put('order', id),
        put('cart', user),
        put('count', user),
        ...productIds.map((product) => move(product, 'Held', 'Sold')),
      ],
    }),
  );
}
