import {
  BatchGetItemCommand,
  DynamoDBClient,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** All that the bare calls need, as it can be handed to another process. */
export interface FloorSettings {
  addresses: { dynamodb: string; sagemaker: string; temporal: string };
  endpointName: string;
  tablePrefix: string;
  /** One row as the product sends it. */
  row: string;
  /** Sizes in characters of what the product keeps, so that the bare write is as large. */
  sizes: { answer: number; transaction: number; features: number; profile: number };
}

export interface Floor extends FloorSettings {
  dynamodb: DynamoDBClient;
  sagemaker: SageMakerRuntimeClient;
}

export function openFloor(settings: FloorSettings): Floor {
  const shared = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  return {
    ...settings,
    dynamodb: new DynamoDBClient({
      ...shared,
      endpoint: settings.addresses.dynamodb,
      requestHandler: new NodeHttpHandler(),
    }),
    sagemaker: new SageMakerRuntimeClient({
      ...shared,
      endpoint: settings.addresses.sagemaker,
      requestHandler: new NodeHttpHandler(),
    }),
  };
}

const filler = (bytes: number): string => 'x'.repeat(Math.max(1, bytes));

/**
 * What a decision cannot avoid: the same three items read in one call, one scoring call, the same three
 * items written in one transaction. No validation, no features, no rules, no HTTP, no retries.
 */
export async function bareDecision(floor: Floor, id: string, user: string, merchant: string): Promise<void> {
  const table = (name: string) => `${floor.tablePrefix}${name}`;
  await floor.dynamodb.send(
    new BatchGetItemCommand({
      RequestItems: {
        [table('Decisions')]: { Keys: [{ TransactionID: { S: id } }], ConsistentRead: true },
        [table('UserProfiles')]: { Keys: [{ UserID: { S: user } }], ConsistentRead: true },
        [table('MerchantProfiles')]: { Keys: [{ MerchantID: { S: merchant } }] },
      },
    }),
  );
  await floor.sagemaker.send(
    new InvokeEndpointCommand({
      EndpointName: floor.endpointName,
      ContentType: 'text/csv',
      Accept: 'application/json',
      CustomAttributes: 'explain=approximate',
      Body: floor.row,
    }),
  );
  await floor.dynamodb.send(new TransactWriteItemsCommand({ TransactItems: bareWrites(floor, user, [id]) }));
}

/** The items that a user's decisions write: the profile, and of each the decision and its line of history. */
export function bareWrites(floor: Floor, user: string, ids: readonly string[]): TransactWriteItem[] {
  const table = (name: string) => `${floor.tablePrefix}${name}`;
  return [
    {
      Update: {
        TableName: table('UserProfiles'),
        Key: { UserID: { S: user } },
        UpdateExpression: 'SET #state = :state ADD Version :one',
        ExpressionAttributeNames: { '#state': 'State' },
        ExpressionAttributeValues: { ':state': { S: filler(floor.sizes.profile) }, ':one': { N: '1' } },
      },
    },
    ...ids.flatMap((id): TransactWriteItem[] => [
      {
        Put: {
          TableName: table('Decisions'),
          ConditionExpression: 'attribute_not_exists(TransactionID)',
          Item: {
            TransactionID: { S: id },
            Answer: { S: filler(floor.sizes.answer) },
            Transaction: { S: filler(floor.sizes.transaction) },
            Features: { S: filler(floor.sizes.features) },
          },
        },
      },
      {
        Put: {
          TableName: table('TransactionHistory'),
          Item: {
            UserID: { S: user },
            TimeTransactionID: { S: `2026-01-01T00:00:00.000Z#${id}` },
            MerchantID: { S: 'merchant' },
            Amount: { N: '1234' },
            Currency: { S: 'EUR' },
            Outcome: { S: 'approve' },
            Score: { N: '0.0123' },
          },
        },
      },
    ]),
  ];
}
