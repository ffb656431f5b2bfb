import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { GatewayVpcEndpointAwsService, IpAddresses, type IVpc, Port, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import {
  Cluster,
  ContainerImage,
  type ICluster,
  FargateService,
  FargateTaskDefinition,
  LinuxParameters,
  LogDrivers,
  Secret as TaskSecret,
} from 'aws-cdk-lib/aws-ecs';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  ListenerAction,
  ListenerCondition,
  SslPolicy,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Queues } from '../../src/workers/selectQueues';
import type { Settings } from '../settings';
import { PORT } from './environment';
import { processRole, type Reach } from './roles';

/** Returns the task queues, without their prefix, by the group of worker processes that polls them. */
export function workerGroups(queues: Queues): Readonly<Record<string, readonly string[]>> {
  const groups: Record<string, string[]> = {};
  for (const [queue, { group }] of Object.entries(queues))
    (groups[group] ??= []).push(queue.replace(/^longwatch-/, ''));
  return groups;
}

/**
 * Public paths: the API and the overview page. Health, metrics and the OpenAPI document are only reachable inside the
 * network (docs/threat-model.md).
 */
const PUBLISHED = ['/', '/v1/*', '/web/*'];

/** Address range of the tasks and the load balancer. */
const NETWORK = '10.0.0.0/16';

/**
 * Idle timeout of the load balancer. The API's keep-alive timeout must be longer, so that the API never closes a
 * connection that the load balancer still uses.
 */
const IDLE_SECONDS = 60;

/** The image, secrets, environment and resources of the tasks. */
export interface ServiceProps {
  settings: Settings;
  repository: IRepository;
  secret: ISecret;
  environment: Record<string, string>;
  reach: Reach;
}

/**
 * The Fargate services: one per group of workers, and the API behind a load balancer unless it is a Lambda function.
 */
export class Service extends Construct {
  readonly loadBalancer: ApplicationLoadBalancer | undefined;
  readonly targets: ApplicationTargetGroup | undefined;
  readonly services: FargateService[] = [];
  private readonly cluster: ICluster;
  private readonly vpc: IVpc;

  constructor(
    scope: Construct,
    private readonly props: ServiceProps,
  ) {
    super(scope, 'Service');
    this.vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(NETWORK),
      maxAzs: 2,
      natGateways: 1,
      restrictDefaultSecurityGroup: false,
    }) as IVpc;
    // Gateway endpoints are free. Without them the traffic to DynamoDB and S3, by far the most, goes through the NAT
    // gateway, which bills each byte.
    for (const [id, service] of [
      ['DynamoDB', GatewayVpcEndpointAwsService.DYNAMODB],
      ['S3', GatewayVpcEndpointAwsService.S3],
    ] as const)
      this.vpc.addGatewayEndpoint(id, { service });
    this.cluster = new Cluster(this, 'Cluster', { vpc: this.vpc, enableFargateCapacityProviders: true }) as ICluster;
    const principal = new ServicePrincipal('ecs-tasks.amazonaws.com');
    const { settings, reach } = props;
    if (!settings.functions.includes('api')) {
      const api = this.service('Api', {
        command: 'api',
        count: settings.apiTasks,
        cpu: 1_024,
        memoryMiB: 2_048,
        role: processRole(this, 'Api', principal, 'api', reach, { checksTables: true }),
        // Otherwise every caller has the load balancer's address, and the wrong keys of one caller slow down all
        // others.
        environment: { LONGWATCH_TRUSTED_PROXIES: NETWORK },
      });
      const { loadBalancer, targets } = this.balance(api);
      [this.loadBalancer, this.targets] = [loadBalancer, targets];
      api
        .autoScaleTaskCount({ minCapacity: settings.apiTasks, maxCapacity: Math.max(1, settings.apiTasks * 10) })
        .scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 60 });
    }
    const worker = processRole(this, 'Worker', principal, 'worker', reach, { checksTables: true });
    for (const [group, queues] of Object.entries(workerGroups(reach.combined.queues)))
      this.service(`Worker${group[0]?.toUpperCase()}${group.slice(1)}`, {
        command: 'worker',
        count: settings.workerTasks,
        cpu: 1_024,
        memoryMiB: 2_048,
        role: worker,
        environment: {
          LONGWATCH_QUEUES: queues.join(','),
          LONGWATCH_WORKER_PORT: String(PORT),
          ...(settings.versioned && {
            TEMPORAL_DEPLOYMENT_NAME: settings.stackName,
            TEMPORAL_WORKER_BUILD_ID: settings.imageTag,
          }),
        },
      });
  }

  private service(
    id: string,
    {
      command,
      count,
      cpu,
      memoryMiB,
      role,
      environment,
    }: {
      command: string;
      count: number;
      cpu: number;
      memoryMiB: number;
      role: ReturnType<typeof processRole>;
      environment: Record<string, string>;
    },
  ): FargateService {
    const { settings, repository, secret, environment: common } = this.props;
    const definition = new FargateTaskDefinition(this, `${id}Task`, { cpu, memoryLimitMiB: memoryMiB, taskRole: role });
    definition.addContainer('longwatch', {
      image: ContainerImage.fromEcrRepository(repository, settings.imageTag),
      command: ['node', 'dist/main.js', command],
      environment: {
        ...common,
        ...environment,
        HOST: '0.0.0.0',
        PORT: String(PORT),
        LONGWATCH_GRACE_MS: String(settings.graceSeconds * 1_000),
      },
      secrets: Object.fromEntries(
        settings.secretSettings.map((field) => [field, TaskSecret.fromSecretsManager(secret, field)]),
      ),
      portMappings: [{ containerPort: PORT }],
      // Checks whether the process is alive, not whether DynamoDB answers: replacing the task would not help then.
      healthCheck: {
        command: [
          'CMD',
          'node',
          '-e',
          `fetch('http://127.0.0.1:${PORT}/healthz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))`,
        ],
        interval: Duration.seconds(15),
        timeout: Duration.seconds(5),
        retries: 3,
        startPeriod: Duration.seconds(120),
      },
      stopTimeout: Duration.seconds(settings.graceSeconds + 10),
      linuxParameters: new LinuxParameters(this, `${id}Linux`, { initProcessEnabled: true }),
      logging: LogDrivers.awsLogs({
        streamPrefix: id.toLowerCase(),
        logGroup: new LogGroup(this, `${id}Log`, {
          retention: RetentionDays.ONE_MONTH,
          removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        }),
      }),
    });
    const service = new FargateService(this, id, {
      cluster: this.cluster,
      taskDefinition: definition,
      desiredCount: count,
      circuitBreaker: { rollback: true },
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      securityGroups: [new SecurityGroup(this, `${id}Group`, { vpc: this.vpc, description: `Tasks of ${id}` })],
    });
    this.services.push(service);
    return service;
  }

  private balance(api: FargateService): { loadBalancer: ApplicationLoadBalancer; targets: ApplicationTargetGroup } {
    const { certificateArn } = this.props.settings;
    const isPublic = certificateArn !== undefined;
    const loadBalancer = new ApplicationLoadBalancer(this, 'LoadBalancer', {
      vpc: this.vpc,
      internetFacing: isPublic,
      deletionProtection: this.props.settings.deletionProtection,
      dropInvalidHeaderFields: true,
      idleTimeout: Duration.seconds(IDLE_SECONDS),
    });
    const targets = new ApplicationTargetGroup(this, 'Targets', {
      vpc: this.vpc,
      targetType: TargetType.IP,
      protocol: ApplicationProtocol.HTTP,
      port: PORT,
      targets: [api],
      healthCheck: {
        path: '/healthz',
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 3,
      },
      // ECS stops a task after the load balancer has deregistered it.
      deregistrationDelay: Duration.seconds(30),
    });
    const open = isPublic;
    // Answers 404 for every path that is not public. A list of hidden paths would miss spellings that the API treats as
    // the same path.
    const defaultAction = ListenerAction.fixedResponse(404, {
      contentType: 'application/json',
      messageBody: '{"title":"Not found","status":404}',
    });
    const listener = isPublic
      ? loadBalancer.addListener('Https', {
          port: 443,
          protocol: ApplicationProtocol.HTTPS,
          certificates: [Certificate.fromCertificateArn(this, 'Certificate', certificateArn)],
          sslPolicy: SslPolicy.TLS13_RES,
          open,
          defaultAction,
        })
      : loadBalancer.addListener('Http', { port: 80, protocol: ApplicationProtocol.HTTP, open, defaultAction });
    listener.addAction('Published', {
      priority: 1,
      conditions: [ListenerCondition.pathPatterns(PUBLISHED)],
      action: ListenerAction.forward([targets]),
    });
    if (isPublic)
      loadBalancer.addListener('Redirect', {
        port: 80,
        protocol: ApplicationProtocol.HTTP,
        open,
        defaultAction: ListenerAction.redirect({ protocol: 'HTTPS', port: '443', permanent: true }),
      });
    api.connections.allowFrom(loadBalancer, Port.tcp(PORT));
    return { loadBalancer, targets };
  }
}
