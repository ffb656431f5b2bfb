import { Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Settings } from '../settings';
import type { KinesisNeed } from '../../src/config/endpoints';
import { type Data, shortName } from './data';
import type { Functions } from './functions';
import type { ModelEndpoint } from './model';
import type { Service } from './service';
import type { Tables } from './tables';

/** The resources to watch. */
export interface AlarmsProps {
  settings: Settings;
  tables: Tables;
  data: Data;
  kinesisStreams: readonly KinesisNeed[];
  model: ModelEndpoint | undefined;
  service: Service;
  functions: Functions | undefined;
}

const FIVE_MINUTES = Duration.minutes(5);
/** Maximum lag of a stream's reader in milliseconds. */
const BEHIND_MS = 5 * 60_000;

/**
 * CloudWatch alarms on the metrics of AWS services. Alerts on the metrics of the processes are Prometheus rules
 * (deploy/observability).
 */
export class Alarms extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, { settings, tables, data, kinesisStreams, model, service, functions }: AlarmsProps) {
    super(scope, 'Alarms');
    this.topic = new Topic(this, 'Topic', { displayName: `${settings.stackName} alarms`, enforceSSL: true });
    // `enforceSSL` gives the topic a policy. That replaces the default policy, which allows CloudWatch to publish.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AllowAlarms',
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    const alarm = (id: string, metric: IMetric, threshold: number, alarmDescription: string, periods = 1) => {
      const made = new Alarm(this, id, {
        alarmName: `${settings.stackName}-${id}`,
        alarmDescription,
        metric,
        threshold,
        evaluationPeriods: periods,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });
      made.addAlarmAction(new SnsAction(this.topic));
    };
    for (const [name, table] of Object.entries(tables.of)) {
      const throttled = (metricName: string) => table.metric(metricName, { statistic: 'Sum', period: FIVE_MINUTES });
      alarm(
        `${name}-throttled`,
        new MathExpression({
          expression: 'reads + writes',
          usingMetrics: { reads: throttled('ReadThrottleEvents'), writes: throttled('WriteThrottleEvents') },
          period: FIVE_MINUTES,
          label: 'throttled requests',
        }),
        10,
        `DynamoDB throttles ${name}: a hot partition, or traffic that doubled within minutes`,
      );
    }
    for (const need of kinesisStreams) {
      const id = shortName(need);
      const stream = data.streams.get(need.setting);
      if (!stream) continue;
      alarm(
        `${id}-behind`,
        stream.metricGetRecordsIteratorAgeMilliseconds({ statistic: 'Maximum', period: FIVE_MINUTES }),
        BEHIND_MS,
        `The reader of the Kinesis stream ${id} is behind: docs/streams.md`,
      );
      alarm(
        `${id}-refused`,
        stream.metricWriteProvisionedThroughputExceeded({ statistic: 'Sum', period: FIVE_MINUTES }),
        10,
        `The Kinesis stream ${id} throttles its producers`,
      );
    }
    if (model) {
      const ofEndpoint = (metricName: string, statistic: string) =>
        new Metric({
          namespace: 'AWS/SageMaker',
          metricName,
          statistic,
          period: FIVE_MINUTES,
          dimensionsMap: { EndpointName: model.endpointName, VariantName: model.variantName },
        });
      alarm(
        'model-errors',
        ofEndpoint('Invocation5XXErrors', 'Sum'),
        5,
        'The model endpoint fails, so the rules alone decide: docs/models.md',
      );
      // ModelLatency is in microseconds.
      alarm(
        'model-slow',
        ofEndpoint('ModelLatency', 'p99'),
        60_000,
        'The p99 of the model endpoint is 60 ms; after 80 ms the rules alone decide a payment: docs/models.md',
        2,
      );
    }
    if (service.loadBalancer && service.targets) {
      alarm(
        'api-5xx',
        service.targets.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, {
          statistic: 'Sum',
          period: FIVE_MINUTES,
        }),
        10,
        'The API answers 5xx: docs/operating.md',
      );
      alarm(
        'api-unreachable',
        service.loadBalancer.metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, { statistic: 'Sum', period: FIVE_MINUTES }),
        10,
        'The load balancer answers 5xx because no task of the API answers',
      );
      alarm(
        'api-unhealthy',
        service.targets.metrics.unhealthyHostCount({ statistic: 'Maximum', period: FIVE_MINUTES }),
        1,
        'A task of the API does not answer /healthz',
        2,
      );
    }
    for (const made of service.services)
      alarm(
        `${made.node.id}-cpu`,
        made.metricCpuUtilization({ statistic: 'Average', period: FIVE_MINUTES }),
        90,
        `${made.node.id} uses 90 % of its CPU: run more tasks`,
        3,
      );
    if (!functions) return;
    alarm(
      'failed-events',
      functions.failed.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period: FIVE_MINUTES }),
      1,
      'The queue has events that no function could process in time: docs/deployment.md',
    );
    for (const made of functions.functions) {
      alarm(
        `${made.node.id}-errors`,
        made.metricErrors({ statistic: 'Sum', period: FIVE_MINUTES }),
        5,
        `The function ${made.node.id} fails`,
      );
      alarm(
        `${made.node.id}-throttled`,
        made.metricThrottles({ statistic: 'Sum', period: FIVE_MINUTES }),
        5,
        `Lambda throttles the function ${made.node.id}: the account's concurrency limit is reached`,
      );
      if (made.node.id !== 'api' && made.node.id !== 'iot')
        alarm(
          `${made.node.id}-age`,
          made.metric('IteratorAge', { statistic: 'Maximum', period: FIVE_MINUTES }),
          BEHIND_MS,
          `The function ${made.node.id} is behind its stream`,
        );
    }
  }
}
