import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnApi, CfnIntegration, CfnRoute, CfnStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnTopicRule } from 'aws-cdk-lib/aws-iot';
import {
  Architecture,
  CfnPermission,
  Code,
  EventSourceMapping,
  Function as LambdaFunction,
  Runtime,
  StartingPosition,
} from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { LambdaFunctionSpec } from '../../src/graph/capability';
import type { Process } from '../access';
import type { Settings } from '../settings';
import { RETENTION } from './data';
import { allow, processRole, type Reach } from './roles';

/**
 * Retention of a table's stream (24 h) minus an hour, so that failed records reach the queue while the stream still has
 * them.
 */
const TABLE_MAX_AGE = Duration.hours(23);
const TIMEOUT = Duration.minutes(2);

/** The bundle, and the resources that the functions use. */
export interface FunctionsProps {
  settings: Settings;
  /** Folder with the bundle. */
  bundle: string;
  secret: ISecret;
  environment: Record<string, string>;
  reach: Reach;
}

/** The Lambda functions that the setting `functions` selects. */
export class Functions extends Construct {
  readonly functions: LambdaFunction[] = [];
  /** Events that no function could process in time, for operators. */
  readonly failed: Queue;

  constructor(
    scope: Construct,
    private readonly props: FunctionsProps,
  ) {
    super(scope, 'Functions');
    const { functions } = props.settings;
    this.failed = new Queue(this, 'Failed', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    const specs = props.reach.combined.capabilities.flatMap((one) => one.functions ?? []);
    for (const spec of specs)
      if (spec.source === 'iot') {
        if (functions.includes('iot')) this.takeFromIot(spec);
      } else if (functions.includes('streams')) this.readStream(spec.name, spec.source);
    if (functions.includes('api')) this.serveApi();
  }

  private readStream(handler: string, source: Exclude<LambdaFunctionSpec['source'], 'iot'>): void {
    const { tables, data } = this.props.reach;
    if ('kinesis' in source) {
      const stream = data.streams.get(source.kinesis);
      if (!stream) throw new Error(`The stack has no stream for ${source.kinesis}`);
      const target = this.make(handler, [
        allow(
          [
            'kinesis:DescribeStream',
            'kinesis:DescribeStreamSummary',
            'kinesis:GetRecords',
            'kinesis:GetShardIterator',
            'kinesis:ListShards',
          ],
          [stream.streamArn],
        ),
      ]);
      this.map(handler, target, stream.streamArn, {
        batchSize: 1_000,
        maxRecordAge: Duration.minutes(RETENTION.toMinutes() - 60),
      });
      return;
    }
    const streamArn = tables.named(source.table).tableStreamArn ?? '';
    const target = this.make(handler, [
      allow(['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], [streamArn]),
      // ListStreams supports no narrower resource.
      allow(['dynamodb:ListStreams'], ['*']),
    ]);
    // Only with a tumbling window does a table's event name its shard, which the function needs to detect a repeated
    // batch.
    this.map(handler, target, streamArn, {
      batchSize: 1_000,
      maxRecordAge: TABLE_MAX_AGE,
      tumblingWindow: Duration.minutes(15),
    });
  }

  private map(
    handler: string,
    target: LambdaFunction,
    eventSourceArn: string,
    {
      batchSize,
      maxRecordAge,
      tumblingWindow,
    }: { batchSize: number; maxRecordAge: Duration; tumblingWindow?: Duration },
  ): void {
    const mapping = new EventSourceMapping(this, `${handler}Source`, {
      target,
      eventSourceArn,
      batchSize,
      maxRecordAge,
      ...(tumblingWindow && { tumblingWindow }),
      startingPosition: StartingPosition.TRIM_HORIZON,
      // Lambda retries a batch in order until it succeeds. The function stores a record that can never be processed as
      // a dead letter.
      parallelizationFactor: 1,
      reportBatchItemFailures: true,
      onFailure: new SqsDlq(this.failed),
    });
    const policy = this.node.tryFindChild(`${handler}Policy`);
    if (policy) mapping.node.addDependency(policy);
  }

  private takeFromIot({ name }: LambdaFunctionSpec): void {
    const target = this.make(name, [], new SqsDestination(this.failed));
    const rule = new CfnTopicRule(this, 'Readings', {
      ruleName: `${this.props.settings.stackName.replaceAll('-', '_')}_readings`,
      topicRulePayload: {
        // The unchanged bytes, and the device id from the topic, which the broker has authorised.
        sql:
          "SELECT encode(*, 'base64') AS data, topic(2) AS device, timestamp() AS arrivedAt " +
          "FROM 'devices/+/readings'",
        awsIotSqlVersion: '2016-03-23',
        ruleDisabled: false,
        actions: [{ lambda: { functionArn: target.functionArn } }],
        errorAction: { sqs: { queueUrl: this.failed.queueUrl, roleArn: this.errorRole(), useBase64: false } },
      },
    });
    new CfnPermission(this, 'ReadingsPermission', {
      action: 'lambda:InvokeFunction',
      functionName: target.functionArn,
      principal: 'iot.amazonaws.com',
      sourceArn: rule.attrArn,
      sourceAccount: Stack.of(this).account,
    });
  }

  private errorRole(): string {
    const role = processlessRole(this, 'ReadingsErrors', 'iot.amazonaws.com');
    role.addToPolicy(allow(['sqs:SendMessage'], [this.failed.queueArn]));
    return role.roleArn;
  }

  private serveApi(): void {
    const target = this.make('api', []);
    const api = new CfnApi(this, 'Http', { name: this.props.settings.stackName, protocolType: 'HTTP' });
    const { partition, region, account } = Stack.of(this);
    const integration = new CfnIntegration(this, 'Integration', {
      apiId: api.ref,
      integrationType: 'AWS_PROXY',
      integrationUri: target.functionArn,
      payloadFormatVersion: '2.0',
      timeoutInMillis: 29_000,
    });
    for (const [id, routeKey] of Object.entries({
      Page: 'ANY /',
      Files: 'ANY /web/{proxy+}',
      Route: 'ANY /v1/{proxy+}',
    }))
      new CfnRoute(this, id, { apiId: api.ref, routeKey, target: `integrations/${integration.ref}` });
    new CfnStage(this, 'Stage', {
      apiId: api.ref,
      stageName: '$default',
      autoDeploy: true,
      defaultRouteSettings: { throttlingRateLimit: 1_000, throttlingBurstLimit: 2_000 },
    });
    new CfnPermission(this, 'HttpPermission', {
      action: 'lambda:InvokeFunction',
      functionName: target.functionArn,
      principal: 'apigateway.amazonaws.com',
      sourceArn: `arn:${partition}:execute-api:${region}:${account}:${api.ref}/*/*`,
    });
  }

  private make(handler: Process, more: ReturnType<typeof allow>[], onFailure?: SqsDestination): LambdaFunction {
    const { settings, bundle, secret, environment, reach } = this.props;
    const functionName = `${settings.stackName}-${handler}`;
    const role = processRole(this, handler, new ServicePrincipal('lambda.amazonaws.com'), handler, reach, {
      checksTables: handler === 'api',
    });
    const logGroup = new LogGroup(this, `${handler}Log`, {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    const { partition, region, account } = Stack.of(this);
    const logStreams = `arn:${partition}:logs:${region}:${account}:log-group:/aws/lambda/${functionName}:log-stream:*`;
    for (const statement of [
      allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [logStreams]),
      allow(['secretsmanager:GetSecretValue'], [secret.secretArn]),
      ...more,
    ])
      role.addToPolicy(statement);
    // Lambda sets AWS_REGION itself and refuses it as a setting.
    const { AWS_REGION: _region, ...settable } = environment;
    const made = new LambdaFunction(this, handler, {
      functionName,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(bundle),
      handler: `dist/lambda/index.${handler}`,
      role: role.withoutPolicyUpdates(),
      memorySize: 1_024,
      timeout: handler === 'api' ? Duration.seconds(29) : TIMEOUT,
      environment: { ...settable, LONGWATCH_SECRET_ID: secret.secretArn },
      logGroup,
      ...(onFailure && { onFailure, retryAttempts: 2, maxEventAge: Duration.hours(6) }),
    });
    // `onFailure` cannot add this permission, because `withoutPolicyUpdates` makes the role immutable.
    if (handler !== 'api') role.addToPolicy(allow(['sqs:SendMessage'], [this.failed.queueArn]));
    this.functions.push(made);
    return made;
  }
}

const processlessRole = (scope: Construct, id: string, service: string) =>
  new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal(service) });
