import { createHash } from 'node:crypto';
import { Fn, Stack } from 'aws-cdk-lib';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { Policy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { CfnEndpoint, CfnEndpointConfig, CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { modelFacts } from '../artefacts';
import type { Settings } from '../settings';
import { allow } from './roles';

/** The image and the model of the endpoint. */
export interface ModelProps {
  settings: Settings;
  repository: IRepository;
  /** Path of the packed model. */
  artefact: string;
}

/** The SageMaker endpoint that scores payments with the model that ships. */
export class ModelEndpoint extends Construct {
  readonly endpointName: string;
  readonly endpointArn: string;
  readonly variantName = 'AllTraffic';

  constructor(scope: Construct, { settings, repository, artefact }: ModelProps) {
    super(scope, 'Model');
    const facts = modelFacts();
    const image =
      settings.model === 'xgboost'
        ? xgboostImage(settings.xgboostImage ?? '', facts.version)
        : repository.repositoryUriForTag(settings.imageTag);
    const asset = new Asset(this, 'Artefact', { path: artefact });
    const { partition, region, account } = Stack.of(this);
    this.endpointName = `${settings.stackName}-fraud`;
    this.endpointArn = `arn:${partition}:sagemaker:${region}:${account}:endpoint/${this.endpointName.toLowerCase()}`;
    const logs = `arn:${partition}:logs:${region}:${account}:log-group:/aws/sagemaker/Endpoints/${this.endpointName}`;
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('sagemaker.amazonaws.com'),
      description: 'Permissions that the model endpoint needs to start: its image, its model, its log',
    });
    const policy = new Policy(this, 'Policy', {
      statements: [
        allow(['s3:GetObject'], [asset.bucket.arnForObjects(asset.s3ObjectKey)]),
        ...(settings.model === 'longwatch'
          ? [
              allow(
                ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
                [repository.repositoryArn],
              ),
              // GetAuthorizationToken supports no narrower resource.
              allow(['ecr:GetAuthorizationToken'], ['*']),
            ]
          : []),
        allow(
          ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
          [logs, `${logs}:log-stream:*`],
        ),
      ],
    });
    policy.attachToRole(role);
    // A SageMaker model and an endpoint configuration are immutable. Their names identify their content, so that a new
    // one is created beside the old one.
    const name = within63(
      `${this.endpointName}-${facts.id}-${settings.model}-${settings.imageTag.replaceAll(/[^A-Za-z0-9-]/g, '-')}`,
    );
    const model = new CfnModel(this, 'Resource', {
      modelName: name,
      executionRoleArn: role.roleArn,
      primaryContainer: { image, modelDataUrl: asset.s3ObjectUrl },
    });
    model.node.addDependency(policy);
    const config = new CfnEndpointConfig(this, 'Config', {
      endpointConfigName: name,
      productionVariants: [
        {
          variantName: this.variantName,
          modelName: model.modelName ?? Fn.ref(model.logicalId),
          instanceType: settings.modelInstanceType,
          initialInstanceCount: settings.modelInstances,
          initialVariantWeight: 1,
        },
      ],
    });
    config.addResourceDependency(model);
    const endpoint = new CfnEndpoint(this, 'Endpoint', {
      endpointName: this.endpointName,
      endpointConfigName: name,
      // The new fleet gets all traffic when it answers. If it fails, the old fleet gets the traffic back.
      deploymentConfig: {
        blueGreenUpdatePolicy: {
          trafficRoutingConfiguration: { type: 'ALL_AT_ONCE', waitIntervalInSeconds: 300 },
          terminationWaitInSeconds: 300,
        },
      },
    });
    endpoint.addResourceDependency(config);
  }
}

/**
 * Returns a name of at most 63 characters, SageMaker's limit. A shortened name ends in a hash of the whole name, so
 * that two long names stay different.
 */
function within63(name: string): string {
  if (name.length <= 63) return name.replace(/-+$/, '');
  return `${name.slice(0, 54)}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

/**
 * Returns SageMaker's image if it can read the model. An older XGBoost loads a newer model without an error and scores
 * wrongly (docs/decisions/0025).
 * @throws Error if the image is older than the model, or its version is unknown.
 */
export function xgboostImage(image: string, modelVersion: readonly number[]): string {
  const found = /:(\d+)\.(\d+)-/.exec(image);
  if (!found) throw new Error(`xgboostImage: ${image} does not end in a version like :3.2-1`);
  const [major, minor] = [Number(found[1]), Number(found[2])];
  const [wantedMajor = 0, wantedMinor = 0] = modelVersion;
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor))
    throw new Error(
      `xgboostImage: XGBoost ${major}.${minor} would load model/fraud.json, which ${modelVersion.join('.')} ` +
        'wrote, and score wrongly without an error. ' +
        'Use model "longwatch", or train with the version of the image: docs/decisions/0025-whose-container-scores.md',
    );
  return image;
}
