import {
  BatchGetItemCommand,
  DynamoDBClient,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** The settings of the bare calls (the baseline), serialisable for another process. */
export interface FloorSettings {
  addresses: { dynamodb: string; sagemaker: string; temporal: string };
  endpointName: string;
  tablePrefix: string;
  /** One row of features, as the product sends it. */
  row: string;
  /** Sizes of the product's stored values in characters, so that the bare write has the same size. */
  sizes: { answer: number; transaction: number; features: number; profile: number };
}

/** The settings with open clients. */
export interface Floor extends FloorSettings {
  dynamodb: DynamoDBClient;
  sagemaker: SageMakerRuntimeClient;
}

/** Opens the clients of the bare calls. */
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
 * The baseline of a decision: reads the same three items in one call, makes one scoring call, and writes the same three
 * items in one transaction. No validation, features, rules, HTTP or retries.
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

/**
 * Returns the items that decisions of one user write: the profile, and for each decision the decision and its history
 * row.
 */
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
