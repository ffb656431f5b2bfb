import { BatchWriteItemCommand, DynamoDBClient, type ScanCommandOutput, ScanCommand } from '@aws-sdk/client-dynamodb';
import { featureNames } from '../../src/domain/fraud/features';
import { createTables } from '../../src/stores/tableCreation';
import type { FloorSettings } from './floor';
import { everything } from '../../src/graph/capabilities';

const PRODUCT = 'longwatch-';

/** Copies of the product's tables, with as many items of the same size. */
export class FloorTables {
  private readonly client: DynamoDBClient;

  constructor(private readonly addresses: FloorSettings['addresses']) {
    this.client = new DynamoDBClient({
      region: 'us-east-1',
      endpoint: addresses.dynamodb,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
  }

  /** Creates the tables under another prefix, with a copy of every profile of the product. */
  async create(tablePrefix: string): Promise<FloorSettings> {
    await createTables(this.client, tablePrefix, everything.tables);
    for (const name of ['UserProfiles', 'MerchantProfiles']) await this.copy(name, tablePrefix);
    const [decision] = await this.some('Decisions');
    const [profile] = await this.some('UserProfiles');
    const size = (item: typeof decision, attribute: string) => item?.[attribute]?.S?.length ?? 0;
    return {
      addresses: this.addresses,
      endpointName: 'longwatch-fraud',
      tablePrefix,
      row: featureNames.map((_, i) => (i * 1.2345).toFixed(4)).join(','),
      sizes: {
        answer: size(decision, 'Answer'),
        transaction: size(decision, 'Transaction'),
        features: size(decision, 'Features'),
        profile: size(profile, 'State'),
      },
    };
  }

  private async some(name: string): Promise<NonNullable<ScanCommandOutput['Items']>> {
    const { Items = [] } = await this.client.send(new ScanCommand({ TableName: `${PRODUCT}${name}`, Limit: 1 }));
    return Items;
  }

  private async copy(name: string, tablePrefix: string): Promise<void> {
    let ExclusiveStartKey: ScanCommandOutput['LastEvaluatedKey'];
    do {
      const page: ScanCommandOutput = await this.client.send(
        new ScanCommand({ TableName: `${PRODUCT}${name}`, Limit: 25, ExclusiveStartKey }),
      );
      ({ LastEvaluatedKey: ExclusiveStartKey } = page);
      const requests = (page.Items ?? []).map((Item) => ({ PutRequest: { Item } }));
      if (requests.length > 0)
        await this.client.send(new BatchWriteItemCommand({ RequestItems: { [`${tablePrefix}${name}`]: requests } }));
    } while (ExclusiveStartKey);
  }
}
