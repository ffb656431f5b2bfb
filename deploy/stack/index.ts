import { CfnOutput, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { capabilities } from '../../src/graph/capabilities';
import type { AnyCapability } from '../../src/graph/capability';
import { combine } from '../../src/graph/combinedCapabilities';
import type { Artefacts } from '../artefacts';
import type { Settings } from '../settings';
import { Alarms } from './alarms';
import { Data } from './data';
import { environmentOf } from './environment';
import { Functions } from './functions';
import { ModelEndpoint } from './model';
import type { Reach } from './roles';
import { Service } from './service';
import { Tables } from './tables';

/**
 * Longwatch on AWS. Temporal is not part of the stack: use Temporal Cloud or your own cluster.
 * @param known the capabilities that `settings.capabilities` selects from.
 */
export class LongwatchStack extends Stack {
  constructor(
    scope: Construct,
    settings: Settings,
    artefacts: Artefacts,
    props: StackProps = {},
    known: readonly AnyCapability[] = capabilities,
  ) {
    super(scope, settings.stackName, {
      description: 'Longwatch: durable lifecycles for DynamoDB data, on Temporal',
      terminationProtection: true,
      ...props,
    });
    Tags.of(this).add('application', settings.stackName);
    const combined = combine(known.filter(({ name }) => settings.capabilities.includes(name)));
    const tables = new Tables(this, combined.tables, settings);
    const data = new Data(this, combined.needs, settings);
    const repository = Repository.fromRepositoryName(this, 'Image', settings.imageRepository);
    const secret = Secret.fromSecretCompleteArn(this, 'Secret', settings.secretArn);
    const model =
      combined.needs.parts.sagemaker && new ModelEndpoint(this, { settings, repository, artefact: artefacts.model });
    const environment = environmentOf({ settings, data, endpointName: model?.endpointName, region: this.region });
    const reach: Reach = {
      tables,
      data,
      combined,
      endpointArn: model?.endpointArn,
      snsTopicArn: settings.snsTopicArn,
      kmsKeyArn: settings.payloadKmsKeyArn,
    };
    const service = new Service(this, { settings, repository, secret, environment, reach });
    const functions =
      settings.functions.length > 0
        ? new Functions(this, { settings, bundle: artefacts.functions, secret, environment, reach })
        : undefined;
    const alarms = new Alarms(this, {
      settings,
      tables,
      data,
      kinesisStreams: combined.needs.kinesisStreams,
      model,
      service,
      functions,
    });
    new CfnOutput(this, 'AlarmTopic', {
      value: alarms.topic.topicArn,
      description: 'Topic of the alarms; subscribe to it',
    });
    if (service.loadBalancer) new CfnOutput(this, 'ApiAddress', { value: service.loadBalancer.loadBalancerDnsName });
  }
}
