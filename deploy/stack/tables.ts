import { RemovalPolicy } from 'aws-cdk-lib';
import {
  type Attribute,
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { type KeySpec, physicalName, type TableSpec, type Tables as Declared } from '../../src/stores/tableSpec';
import type { Settings } from '../settings';

const attribute = ({ name, type }: KeySpec): Attribute => ({
  name,
  type: AttributeType[type === 'S' ? 'STRING' : 'NUMBER'],
});
/** Minimum provisioned read and write units. */
const MIN_CAPACITY = 5;
/** Utilisation of provisioned capacity at which DynamoDB scales up. */
const TARGET = { targetUtilizationPercent: 70 };

/**
 * The tables that the capabilities declare, with point-in-time recovery and deletion protection. They remain when the
 * stack is deleted.
 */
export class Tables extends Construct {
  readonly of: Readonly<Record<string, Table>>;

  constructor(
    scope: Construct,
    declared: Declared,
    {
      tablePrefix,
      billing,
      maxCapacity,
      deletionProtection,
    }: Pick<Settings, 'tablePrefix' | 'billing' | 'maxCapacity' | 'deletionProtection'>,
  ) {
    super(scope, 'Tables');
    const make = (name: string, spec: TableSpec): Table => {
      const table = new Table(this, name, {
        tableName: physicalName(tablePrefix, name),
        partitionKey: attribute(spec.partitionKey),
        ...(spec.sortKey && { sortKey: attribute(spec.sortKey) }),
        billingMode: billing === 'on-demand' ? BillingMode.PAY_PER_REQUEST : BillingMode.PROVISIONED,
        ...(spec.stream && { stream: StreamViewType[spec.stream] }),
        ...(spec.ttl && { timeToLiveAttribute: spec.ttl }),
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        deletionProtection,
        encryption: TableEncryption.AWS_MANAGED,
        removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      });
      for (const [indexName, index] of Object.entries(spec.indexes ?? {}))
        table.addGlobalSecondaryIndex({
          indexName,
          partitionKey: attribute(index.partitionKey),
          ...(index.sortKey && { sortKey: attribute(index.sortKey) }),
          ...(Array.isArray(index.projection)
            ? { projectionType: ProjectionType.INCLUDE, nonKeyAttributes: [...index.projection] }
            : { projectionType: ProjectionType[index.projection as 'ALL' | 'KEYS_ONLY'] }),
        });
      if (billing === 'provisioned') {
        const range = { minCapacity: MIN_CAPACITY, maxCapacity };
        table.autoScaleReadCapacity(range).scaleOnUtilization(TARGET);
        table.autoScaleWriteCapacity(range).scaleOnUtilization(TARGET);
        for (const indexName of Object.keys(spec.indexes ?? {})) {
          table.autoScaleGlobalSecondaryIndexReadCapacity(indexName, range).scaleOnUtilization(TARGET);
          table.autoScaleGlobalSecondaryIndexWriteCapacity(indexName, range).scaleOnUtilization(TARGET);
        }
      }
      return table;
    };
    this.of = Object.fromEntries(Object.entries(declared).map(([name, spec]) => [name, make(name, spec)]));
  }

  /** Returns a table by its logical name. @throws Error if the stack has no such table. */
  named(name: string): Table {
    const table = this.of[name];
    if (!table) throw new Error(`The stack has no table ${name}`);
    return table;
  }

  /** Returns all tables. */
  all(): Table[] {
    return Object.values(this.of);
  }
}
