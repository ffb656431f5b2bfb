import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Registry } from 'prom-client';
import { extract } from 'tar-stream';
import { grantsOf, type Process } from '../../deploy/access';
import { MODEL, packModel } from '../../deploy/artefacts';
import { parseSettings, readSettings, type Settings } from '../../deploy/settings';
import { LongwatchStack } from '../../deploy/stack';
import { xgboostImage } from '../../deploy/stack/model';
import { everyRoute } from '../../src/api/app';
import { webRoutes } from '../../src/api/platform/web';
import { WEB } from '../../src/graph/files';
import { configReference, readConfig } from '../../src/graph/config';
import { createTableInput } from '../../src/stores/tableCreation';
import { everything } from '../../src/graph/capabilities';
import { selectQueues } from '../../src/workers/selectQueues';
import { containers, environmentOf, type Resource, resources } from '../support/cloudformation';

const EXAMPLE = join('deploy', 'settings.example.json');
const KMS_KEY = 'arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef';
const { tables, queues } = everything;
const names = Object.keys(tables);
let folder: string;
/** On Fargate alone, as the example says. */
let service: Template;
/** Everything that can be a function is one. */
let functions: Template;
/** The command's own output for the latter. */
let out: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'longwatch-stack-'));
  out = join(folder, 'out');
  const settings = join(folder, 'settings.json');
  writeFileSync(
    settings,
    JSON.stringify({
      ...(JSON.parse(readFileSync(EXAMPLE, 'utf8')) as object),
      functions: ['api', 'streams', 'iot'],
      payloadKmsKeyArn: KMS_KEY,
      snsTopicArn: 'arn:aws:sns:eu-central-1:123456789012:customers',
    }),
  );
  // As `npm run deploy:synth` does it.
  const [artefact] = await Promise.all([
    packModel(join(folder, 'model.tar.gz')),
    promisify(execFile)(process.execPath, ['--import', 'tsx', 'deploy/app.ts', '--settings', settings, '--out', out], {
      env: { ...process.env, NODE_OPTIONS: '' },
    }),
  ]);
  functions = Template.fromJSON(
    JSON.parse(readFileSync(join(out, 'longwatch.template.json'), 'utf8')) as Record<string, unknown>,
  );
  mkdirSync(join(folder, 'none'));
  synth = (settingsOf) =>
    Template.fromStack(
      new LongwatchStack(new App({ outdir: mkdtempSync(join(folder, 'synth-')) }), settingsOf, {
        model: artefact,
        functions: join(folder, 'none'),
      }),
    );
  service = synth(readSettings(EXAMPLE));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let synth: (settings: Settings) => Template;
/** CloudFormation's functions as text, so that two that mean the same are the same. */
function text(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[name, given] = ['', undefined]] = Object.entries(value as object) as [string, unknown][];
  if (name === 'Fn::Join') return (given as [string, unknown[]])[1].map(text).join((given as [string])[0]);
  if (name === 'Ref') return `\${${String(given)}}`;
  if (name === 'Fn::GetAtt') return `\${${(given as string[]).join('.')}}`;
  return JSON.stringify(value);
}

describe('tables', () => {
  it('are those of tables.ts, each with its keys, indexes, stream and TTL, protected and recoverable', () => {
    const found = new Map(
      resources(service, 'AWS::DynamoDB::Table').map(([, { Properties, DeletionPolicy }]) => [
        Properties['TableName'] as string,
        { Properties, DeletionPolicy },
      ]),
    );
    expect([...found.keys()].sort()).toEqual(names.map((name) => `longwatch-${name}`).sort());
    for (const name of names) {
      const { Properties, DeletionPolicy } = found.get(`longwatch-${name}`)!;
      const wanted = createTableInput('longwatch-', name, tables[name]!);
      const { ttl } = tables[name]!;
      const byName = (list: { AttributeName?: string | undefined }[] = []) =>
        [...list].sort((a, b) => (a.AttributeName! < b.AttributeName! ? -1 : 1));
      expect({
        ...Properties,
        AttributeDefinitions: byName(Properties['AttributeDefinitions']),
        Tags: undefined,
      }).toEqual({
        TableName: wanted.TableName,
        KeySchema: wanted.KeySchema,
        AttributeDefinitions: byName(wanted.AttributeDefinitions),
        BillingMode: 'PAY_PER_REQUEST',
        ...(wanted.GlobalSecondaryIndexes && { GlobalSecondaryIndexes: wanted.GlobalSecondaryIndexes }),
        ...(wanted.StreamSpecification && {
          StreamSpecification: { StreamViewType: wanted.StreamSpecification.StreamViewType },
        }),
        ...(ttl && { TimeToLiveSpecification: { AttributeName: ttl, Enabled: true } }),
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
        SSESpecification: { SSEEnabled: true },
        Tags: undefined,
      });
      expect(DeletionPolicy).toBe('RetainExceptOnCreate');
    }
  });

  it('scale within bounds where they are provisioned, indexes as well', () => {
    const provisioned = synth({ ...readSettings(EXAMPLE), billing: 'provisioned', maxCapacity: 500 });
    const indexes = names.reduce((sum, name) => sum + Object.keys(tables[name]!.indexes ?? {}).length, 0);
    const targets = resources(provisioned, 'AWS::ApplicationAutoScaling::ScalableTarget').filter(
      ([, { Properties }]) => Properties['ServiceNamespace'] === 'dynamodb',
    );
    expect(targets).toHaveLength(2 * (names.length + indexes));
    for (const [, { Properties }] of targets) expect(Properties).toMatchObject({ MinCapacity: 5, MaxCapacity: 500 });
    for (const [, { Properties }] of resources(provisioned, 'AWS::DynamoDB::Table'))
      expect(Properties['BillingMode']).toBeUndefined();
  });
});

describe('roles', () => {
  /** Actions that AWS allows on nothing narrower. */
  const UNNARROWABLE = new Set(['ecr:GetAuthorizationToken', 'dynamodb:ListStreams']);
  /** Within one bucket, and within one log group. */
  const WITHIN = [/^\$\{DataArchive\w+\.Arn\}\/(device_data|leaderboards)\/\*$/, /:log-group:[^*]+:log-stream:\*$/];

  const statements = (template: Template) =>
    [...resources(template, 'AWS::IAM::Policy'), ...resources(template, 'AWS::IAM::ManagedPolicy')].flatMap(
      ([id, { Properties }]) =>
        (
          Properties['PolicyDocument'].Statement as { Effect: string; Action: string | string[]; Resource: unknown }[]
        ).map(({ Effect, Action, Resource: on }) => ({
          id,
          Effect,
          actions: [Action].flat(),
          resources: (Array.isArray(on) ? on : [on]).map(text),
        })),
    );

  it.each([
    ['on Fargate', () => service],
    ['as functions', () => functions],
  ])('%s name every action and every resource', (_where, template) => {
    const all = statements(template());
    expect(all.length).toBeGreaterThan(30);
    for (const { id, Effect, actions, resources: on } of all) {
      expect([id, Effect]).toEqual([id, 'Allow']);
      expect([id, actions.filter((action) => action.includes('*'))]).toEqual([id, []]);
      const wide = on.filter((one) => one.includes('*') && !WITHIN.some((pattern) => pattern.test(one)));
      expect([id, actions, wide]).toEqual([id, actions, UNNARROWABLE.has(actions.join()) ? ['*'] : []]);
    }
    for (const [id, { Properties }] of resources(template(), 'AWS::IAM::Role'))
      expect([id, Properties['ManagedPolicyArns'], Properties['Policies']]).toEqual([id, undefined, undefined]);
  });

  it.each<[Process, () => Template, RegExp]>([
    ['api', () => service, /^ServiceApiPolicy/],
    ['worker', () => service, /^ServiceWorkerPolicy/],
    ...(['transactions', 'readings', 'merchants', 'ranks', 'rollups', 'iot', 'api'] as const).map(
      (name): [Process, () => Template, RegExp] => [name, () => functions, new RegExp(`^Functions${name}Policy`)],
    ),
  ])('of %s may do to tables what access.ts lists, exactly', (process, template, policy) => {
    const tableOf = new Map(
      resources(template(), 'AWS::DynamoDB::Table').map(([id, { Properties }]) => [
        id,
        (Properties['TableName'] as string).replace('longwatch-', ''),
      ]),
    );
    const items = /^dynamodb:(Batch(Get|Write)Item|(Get|Put|Update|Delete|ConditionCheck)Item|Query|Scan)$/;
    const granted = new Map<string, Set<string>>();
    for (const { actions, resources: on } of statements(template()).filter(({ id }) => policy.test(id)))
      for (const action of actions.filter((one) => items.test(one)))
        for (const one of on) {
          const [, id, index] = /^\$\{(\w+)\.Arn\}(?:\/index\/(\w+))?$/.exec(one) ?? [];
          const where = `${tableOf.get(id!)}${index ? `/${index}` : ''}`;
          granted.set(where, (granted.get(where) ?? new Set()).add(action.replace('dynamodb:', '')));
        }
    expect(
      new Map(
        [...granted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([where, actions]) => [where, [...actions].sort()]),
      ),
    ).toEqual(grantsOf(process, everything));
  });

  it('may encrypt payloads under the key that is configured, and under no other', () => {
    const kms = (template: Template) =>
      statements(template).filter(
        ({ actions }) =>
          actions.some((action) => action.startsWith('kms:') && action !== 'kms:Decrypt') &&
          actions.includes('kms:Decrypt'),
      );
    expect(kms(service)).toEqual([]);
    const granted = kms(functions);
    expect(granted.length).toBeGreaterThan(7);
    for (const { actions, resources: on } of granted)
      expect([actions, on]).toEqual([['kms:Decrypt', 'kms:GenerateDataKey'], [KMS_KEY]]);
  });

  it('fit into a policy: CloudFormation would find out after half an hour', () => {
    // Names of stack and account included, which are longer than their references.
    for (const template of [service, functions])
      for (const [type, limit] of [
        ['AWS::IAM::Policy', 10_240],
        ['AWS::IAM::ManagedPolicy', 6_144],
      ] as const) {
        const ofRole = new Map<string, number>();
        for (const [, { Properties }] of resources(template, type))
          for (const role of Properties['Roles'] as unknown[])
            ofRole.set(
              text(role),
              (ofRole.get(text(role)) ?? 0) + policyLength(template, Properties['PolicyDocument']),
            );
        for (const [role, length] of ofRole) expect([role, length, length <= limit]).toEqual([role, length, true]);
      }
  });
  /** With ARNs in place of references. */
  const policyLength = (template: Template, document: unknown) =>
    JSON.stringify(document, (_key, value: unknown) => {
      if (typeof value !== 'object' || value === null || !('Fn::GetAtt' in value || 'Fn::Join' in value)) return value;
      return text(value).replaceAll(/\$\{(\w+)\.(Arn|StreamArn)\}/g, (_all, id: string, what: string) => {
        const { Type, Properties } = (template.toJSON() as { Resources: Record<string, Resource> }).Resources[id]!;
        const name = String(Properties['TableName'] ?? Properties['Name'] ?? 'x'.repeat(63));
        const kind = Type.split('::')[1]!.toLowerCase();
        const stream = what === 'StreamArn' ? '/stream/2026-11-24T10:00:00.000' : '';
        return `arn:aws:${kind}:ap-southeast-1:123456789012:table/${name}${stream}`;
      });
    }).length;
});

describe('data', () => {
  it(
    'in the archive is encrypted, nobody’s from outside, reached by TLS alone, and grows cold without being out of ' +
      'reach',
    () => {
      service.hasResourceProperties('AWS::S3::Bucket', {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        VersioningConfiguration: { Status: 'Enabled' },
        LifecycleConfiguration: {
          Rules: [
            Match.objectLike({
              AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
              NoncurrentVersionExpiration: { NoncurrentDays: 7 },
              Transitions: [
                { StorageClass: 'STANDARD_IA', TransitionInDays: 30 },
                { StorageClass: 'GLACIER_IR', TransitionInDays: 90 },
              ],
            }),
          ],
        },
      });
      const [[, policy]] = resources(service, 'AWS::S3::BucketPolicy') as [[string, Resource]];
      const denied = (policy.Properties['PolicyDocument'].Statement as { Effect: string; Condition: object }[])
        .filter(({ Effect }) => Effect === 'Deny')
        .map(({ Condition }) => Condition);
      expect(denied).toEqual([
        { Bool: { 'aws:SecureTransport': 'false' } },
        { NumericLessThan: { 's3:TlsVersion': 1.2 } },
      ]);
      for (const [, { DeletionPolicy }] of resources(service, 'AWS::S3::Bucket'))
        expect(DeletionPolicy).toBe('RetainExceptOnCreate');
    },
  );

  it('on the Kinesis streams is encrypted and kept for a week', () => {
    const streams = resources(service, 'AWS::Kinesis::Stream').map(([, { Properties }]) => Properties);
    expect(streams.map(({ Name }) => Name as string).sort()).toEqual(['longwatch-readings', 'longwatch-transactions']);
    for (const stream of streams)
      expect(stream).toMatchObject({
        RetentionPeriodHours: 168,
        StreamEncryption: { EncryptionType: 'KMS' },
        StreamModeDetails: { StreamMode: 'ON_DEMAND' },
      });
  });
});

describe('the model', () => {
  it('is the artefact that ships, in the form that SageMaker takes', async () => {
    const file = readdirSync(out).find((name) => name.endsWith('.tar.gz'));
    const entries = new Map<string, Buffer>();
    const reading = extract();
    reading.on('entry', ({ name }, stream, next) => {
      const parts: Buffer[] = [];
      stream.on('data', (part) => parts.push(part as Buffer));
      stream.on('end', () => {
        entries.set(name, Buffer.concat(parts));
        next();
      });
    });
    reading.end(gunzipSync(readFileSync(join(out, file!))));
    await new Promise<void>((resolve) => reading.on('finish', () => resolve()));
    expect([...entries.keys()]).toEqual(['fraud.json']);
    expect(entries.get('fraud.json')!.equals(readFileSync(MODEL))).toBe(true);
    functions.hasResourceProperties('AWS::SageMaker::Model', {
      PrimaryContainer: {
        Image: Match.anyValue(),
        ModelDataUrl: { 'Fn::Sub': Match.stringLikeRegexp(`/${file!.replace(/^asset\.|\.tar\.gz$/g, '')}\\.gz$`) },
      },
    });
    functions.hasResourceProperties('AWS::SageMaker::Endpoint', { EndpointName: 'longwatch-fraud' });
  });

  it('goes into no container that would score it wrongly', () => {
    expect(() =>
      xgboostImage('683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1', [3, 2, 0]),
    ).toThrow('would load model/fraud.json, which 3.2.0 wrote, and score wrongly');
    expect(() => xgboostImage('x/sagemaker-xgboost:3.0-5', [3, 2, 0])).toThrow('score wrongly');
    expect(xgboostImage('x/sagemaker-xgboost:3.2-1', [3, 2, 0])).toBe('x/sagemaker-xgboost:3.2-1');
    expect(() => xgboostImage('x/sagemaker-xgboost:latest', [3, 2, 0])).toThrow('does not end in a version');
  });
});

describe('the service', () => {
  it('is an API and workers that serve every queue once between them', () => {
    const commands = containers(service).map(({ Command }) => (Command as string[]).join(' '));
    expect(commands.sort()).toEqual([
      'node dist/main.js api',
      'node dist/main.js worker',
      'node dist/main.js worker',
      'node dist/main.js worker',
    ]);
    const served = containers(service)
      .flatMap((container) => environmentOf(container)['LONGWATCH_QUEUES'] ?? [])
      .flatMap((listed) => selectQueues(queues, listed));
    expect(served.sort()).toEqual(Object.keys(queues).sort());
  });

  it('is configured as the configuration understands it, with what is secret from the secret', () => {
    const known = new Set([...configReference().map(({ name }) => name), 'NODE_ENV', 'TEMPORAL_API_KEY']);
    for (const container of containers(service)) {
      const environment = environmentOf(container);
      expect(
        [...Object.keys(environment), ...container.Secrets.map(({ Name }: { Name: string }) => Name)].filter(
          (name) => !known.has(name),
        ),
      ).toEqual([]);
      expect(Object.keys(environment).filter((name) => /SECRET|API_KEY/.test(name))).toEqual([]);
      expect(
        container.Secrets.map(({ Name, ValueFrom }: { Name: string; ValueFrom: unknown }) => [Name, text(ValueFrom)]),
      ).toEqual(
        ['LONGWATCH_API_KEYS', 'LONGWATCH_SIGNING_SECRET', 'TEMPORAL_API_KEY'].map((name) => [
          name,
          `arn:aws:secretsmanager:eu-central-1:123456789012:secret:longwatch-AbCdEf:${name}::`,
        ]),
      );
      expect(() =>
        readConfig({
          ...environment,
          LONGWATCH_ARCHIVE_BUCKET: 'archive',
          LONGWATCH_API_KEYS: 'pay:service:0123456789abcdef',
        }),
      ).not.toThrow();
    }
  });

  it('has more time to stop than it takes, and is known to live by /healthz, API and workers alike', () => {
    for (const container of containers(service)) {
      const environment = environmentOf(container);
      expect(container.StopTimeout * 1_000).toBeGreaterThan(Number(environment['LONGWATCH_GRACE_MS']));
      expect(container.StopTimeout).toBeLessThanOrEqual(120);
      expect(container.HealthCheck.Command.join(' ')).toContain('http://127.0.0.1:3000/healthz');
      expect(environment['LONGWATCH_WORKER_PORT'] ?? environment['PORT']).toBe('3000');
    }
    service.hasResourceProperties('AWS::ElasticLoadBalancingV2::TargetGroup', { HealthCheckPath: '/healthz' });
  });

  it('is reached by TLS alone where it is public, and is internal without a certificate', () => {
    service.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', { Scheme: 'internet-facing' });
    service.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 443,
      Protocol: 'HTTPS',
      SslPolicy: Match.stringLikeRegexp('TLS13'),
    });
    service.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 80,
      DefaultActions: [Match.objectLike({ Type: 'redirect' })],
    });
    const { certificateArn: _none, ...settings } = readSettings(EXAMPLE);
    synth(settings).hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', { Scheme: 'internal' });
  });

  it('believes the load balancer alone who calls: what lies in its own network', () => {
    const [[, { Properties }]] = resources(service, 'AWS::EC2::VPC') as [[string, Resource]];
    const api = containers(service).find(({ Command }) => Command.includes('api'));
    expect(environmentOf(api)['LONGWATCH_TRUSTED_PROXIES']).toBe(Properties['CidrBlock']);
    expect(
      readConfig({ LONGWATCH_TRUSTED_PROXIES: environmentOf(api)['LONGWATCH_TRUSTED_PROXIES'] })
        .LONGWATCH_TRUSTED_PROXIES,
    ).toEqual([Properties['CidrBlock']]);
  });

  it('takes part in worker versioning, the workers by the image’s tag', () => {
    for (const container of containers(service).filter(({ Command }) => Command.includes('worker')))
      expect(environmentOf(container)).toMatchObject({
        TEMPORAL_DEPLOYMENT_NAME: 'longwatch',
        TEMPORAL_WORKER_BUILD_ID: '0.1.0',
      });
  });
});

describe('functions', () => {
  it('read streams in order, with partial responses, and tables with the window that names their shards', () => {
    const mappings = resources(functions, 'AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => Properties);
    expect(mappings).toHaveLength(5);
    for (const mapping of mappings) {
      const isTable = text(mapping['EventSourceArn']).includes('StreamArn');
      expect(mapping).toMatchObject({
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        ParallelizationFactor: 1,
        StartingPosition: 'TRIM_HORIZON',
        MaximumRecordAgeInSeconds: isTable ? 23 * 3_600 : (7 * 24 - 1) * 3_600,
        DestinationConfig: { OnFailure: { Destination: expect.anything() } },
      });
      expect(mapping['TumblingWindowInSeconds']).toBe(isTable ? 900 : undefined);
      expect(mapping['BisectBatchOnFunctionError']).toBeUndefined();
    }
    expect(mappings.filter((mapping) => mapping['TumblingWindowInSeconds'] !== undefined)).toHaveLength(3);
  });

  it('take the place of the API’s tasks, and of the workflows that read streams', () => {
    expect(functions.findResources('AWS::ElasticLoadBalancingV2::LoadBalancer')).toEqual({});
    functions.hasResourceProperties('AWS::ApiGatewayV2::Integration', {
      IntegrationType: 'AWS_PROXY',
      PayloadFormatVersion: '2.0',
    });
    for (const [, { Properties }] of resources(functions, 'AWS::ECS::TaskDefinition'))
      expect(Properties['ContainerDefinitions'][0].Environment).toContainEqual({
        Name: 'LONGWATCH_STREAMS_BY',
        Value: 'lambda',
      });
  });

  it('have settings that the configuration reads, and no secret among them', () => {
    const known = new Set([...configReference().map(({ name }) => name), 'NODE_ENV', 'LONGWATCH_SECRET_ID']);
    const made = resources(functions, 'AWS::Lambda::Function').map(([, { Properties }]) => Properties);
    expect(made.map(({ Handler }) => Handler as string).sort()).toEqual(
      ['api', 'iot', 'merchants', 'ranks', 'readings', 'rollups', 'transactions'].map(
        (name) => `dist/lambda/index.${name}`,
      ),
    );
    for (const { Environment } of made)
      expect(
        Object.keys(Environment.Variables as object).filter(
          (name) => !known.has(name) || /SECRET$|API_KEY|PAYLOAD_KEYS/.test(name),
        ),
      ).toEqual([]);
  });

  it('are called by the IoT rule with the bytes, the device and the instant', () => {
    functions.hasResourceProperties('AWS::IoT::TopicRule', {
      TopicRulePayload: Match.objectLike({
        Sql:
          "SELECT encode(*, 'base64') AS data, topic(2) AS device, timestamp() AS arrivedAt " +
          "FROM 'devices/+/readings'",
        Actions: [{ Lambda: Match.anyValue() }],
      }),
    });
  });
});

describe('alarms', () => {
  const ids = (template: Template) =>
    new Set(
      resources(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) =>
        (Properties['AlarmName'] as string).replace('longwatch-', ''),
      ),
    );

  it('watch every table, stream, the endpoint and the service, and tell the topic', () => {
    const found = ids(service);
    for (const wanted of [
      ...names.map((name) => `${name}-throttled`),
      'transactions-behind',
      'readings-behind',
      'model-errors',
      'model-slow',
      'api-5xx',
      'api-unreachable',
      'api-unhealthy',
    ])
      expect([wanted, found.has(wanted)]).toEqual([wanted, true]);
    for (const [, { Properties }] of resources(service, 'AWS::CloudWatch::Alarm'))
      expect(Properties['AlarmActions']).toHaveLength(1);
  });

  it('can tell the topic: CloudWatch may publish for this account’s alarms, over TLS alone', () => {
    const [[, policy]] = resources(service, 'AWS::SNS::TopicPolicy') as [[string, Resource]];
    // oxlint-disable-next-line typescript/no-explicit-any
    const statements = policy.Properties['PolicyDocument'].Statement as Record<string, any>[];
    expect(policy.Properties['Topics']).toEqual([{ Ref: expect.stringMatching(/^AlarmsTopic/) }]);
    expect(statements.filter(({ Effect }) => Effect === 'Allow')).toEqual([
      expect.objectContaining({
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Resource: { Ref: expect.stringMatching(/^AlarmsTopic/) },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      }),
    ]);
    expect(statements.filter(({ Effect }) => Effect === 'Deny')).toEqual([
      expect.objectContaining({ Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    ]);
  });

  it('watch functions, how far behind they are, and what they failed on', () => {
    const found = ids(functions);
    for (const wanted of [
      'failed-events',
      'api-errors',
      'iot-errors',
      ...['transactions', 'readings', 'merchants', 'ranks', 'rollups'].flatMap((name) => [
        `${name}-errors`,
        `${name}-age`,
      ]),
    ])
      expect([wanted, found.has(wanted)]).toEqual([wanted, true]);
  });
});

/**
 * The names that a template gives its resources itself: what a second stack, or a repeated first deployment, finds
 * taken.
 */
function givenNames(template: Template): string[] {
  return Object.values((template.toJSON() as { Resources: Record<string, Resource> }).Resources).flatMap(
    ({ Type, Properties = {} }) =>
      Object.entries(Properties)
        .filter(([property, value]) => /^(\w+Name|Name)$/.test(property) && typeof value === 'string')
        .filter(
          ([property]) =>
            ![
              'AWS::ApiGatewayV2::Stage.StageName',
              'AWS::CloudWatch::Alarm.MetricName',
              'AWS::EC2::VPCEndpoint.ServiceName',
              'AWS::IAM::Policy.PolicyName' /* of its role alone */,
            ].includes(`${Type}.${property}`),
        )
        .map(([property, value]) => `${Type}.${property} ${String(value)}`),
  );
}

describe('deployments', () => {
  it('a second stack in the account has names of its own for everything that is named', () => {
    const example = JSON.parse(readFileSync(EXAMPLE, 'utf8')) as object;
    const namesOf = (settings: object) => givenNames(synth(parseSettings({ ...example, ...settings })));
    const all = { functions: ['api', 'streams', 'iot'] };
    const first = namesOf(all);
    const second = new Set(namesOf({ ...all, stackName: 'acme', tablePrefix: 'acme-' }));
    expect(first).toEqual(
      expect.arrayContaining([
        'AWS::Kinesis::Stream.Name longwatch-transactions',
        'AWS::DynamoDB::Table.TableName longwatch-Decisions',
        'AWS::SageMaker::Endpoint.EndpointName longwatch-fraud',
      ]),
    );
    expect(first.filter((name) => second.has(name))).toEqual([]);
    // Also where both names are long, and differ at their end alone.
    const long = (end: string) => namesOf({ stackName: `${'a'.repeat(50)}${end}`, tablePrefix: `${end}-` });
    const others = new Set(long('2'));
    expect(long('1').filter((name) => others.has(name))).toEqual([]);
  });

  it('a first deployment that fails can be repeated: what it made goes again, and nothing refuses to go', () => {
    const first = synth({ ...readSettings(EXAMPLE), deletionProtection: false });
    const all = Object.entries((first.toJSON() as { Resources: Record<string, Resource> }).Resources);
    expect(all.filter(([, { DeletionPolicy }]) => DeletionPolicy === 'Retain').map(([id]) => id)).toEqual([]);
    expect(all.filter(([, { DeletionPolicy }]) => DeletionPolicy === 'RetainExceptOnCreate').length).toBeGreaterThan(
      names.length + 2,
    );
    for (const [, { Properties }] of resources(first, 'AWS::DynamoDB::Table'))
      expect(Properties['DeletionProtectionEnabled']).toBe(false);
    const attributes = (template: Template) =>
      resources(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').flatMap(
        ([, { Properties }]) => Properties['LoadBalancerAttributes'] as object[],
      );
    expect(attributes(first)).toContainEqual({ Key: 'deletion_protection.enabled', Value: 'false' });
    expect(attributes(service)).toContainEqual({ Key: 'deletion_protection.enabled', Value: 'true' });
  });
});

describe('the outside', () => {
  /** As a load balancer matches a path: case counts, and `*` stands for any characters. */
  const matches = (pattern: string, path: string) =>
    new RegExp(`^${pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(path);
  const inside = [
    '/metrics',
    '/readyz',
    '/openapi.json',
    '/healthz',
    '/Metrics',
    '/metrics/',
    '/READYZ',
    '//metrics',
    '/%6detrics',
  ];
  const paths = () =>
    everyRoute({
      routes: webRoutes(WEB),
      readiness: () => Promise.reject(new Error('not asked')),
      registry: new Registry(),
      version: '0',
    })
      .map(({ path }) => path)
      .filter((path) => !inside.includes(path));

  it('reaches the API’s routes and the page by the load balancer, and nothing else', () => {
    const rules = resources(service, 'AWS::ElasticLoadBalancingV2::ListenerRule').map(
      ([, { Properties }]) => Properties,
    );
    expect(rules).toHaveLength(1);
    expect(rules[0]!['Actions']).toEqual([expect.objectContaining({ Type: 'forward' })]);
    const patterns = rules[0]!['Conditions'][0].PathPatternConfig.Values as string[];
    for (const path of [...paths(), '/v1/transactions', '/v1/users/ada/sessions'])
      expect([path, patterns.some((one) => matches(one, path))]).toEqual([path, true]);
    for (const path of inside) expect([path, patterns.some((one) => matches(one, path))]).toEqual([path, false]);
    service.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      Port: 443,
      DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: Match.objectLike({ StatusCode: '404' }) }],
    });
  });

  it('reaches the same by API Gateway', () => {
    const keys = resources(functions, 'AWS::ApiGatewayV2::Route').map(
      ([, { Properties }]) => Properties['RouteKey'] as string,
    );
    expect(keys.sort()).toEqual(['ANY /', 'ANY /v1/{proxy+}', 'ANY /web/{proxy+}']);
  });
});

describe('settings', () => {
  it('of a stack under another name say whose tables it has', () => {
    const { tablePrefix: _default, ...example } = readSettings(EXAMPLE);
    expect(() => parseSettings({ ...example, stackName: 'acme' })).toThrow(
      'tablePrefix: must be set for a stack that is not called longwatch',
    );
    expect(parseSettings({ ...example, stackName: 'acme', tablePrefix: 'acme-' })).toMatchObject({
      tablePrefix: 'acme-',
    });
    expect(parseSettings(example)).toMatchObject({ stackName: 'longwatch', tablePrefix: 'longwatch-' });
    expect(() =>
      parseSettings({ ...example, stackName: 'a'.repeat(52), tablePrefix: 'a-', functions: ['iot'] }),
    ).toThrow('stackName: must have at most 51 characters');
  });

  it('keep the streams that a stack had before', () => {
    const kept = synth({
      ...readSettings(EXAMPLE),
      transactionsStream: 'longwatch-transactions',
      readingsStream: 'longwatch-readings',
      stackName: 'acme',
      tablePrefix: 'acme-',
    });
    expect(
      resources(kept, 'AWS::Kinesis::Stream')
        .map(([, { Properties }]) => Properties['Name'] as string)
        .sort(),
    ).toEqual(['longwatch-readings', 'longwatch-transactions']);
  });

  it('that are wrong are named, all at once', () => {
    expect(() =>
      parseSettings({
        imageRepository: 'longwatch',
        imageTag: 'a b',
        secretArn: 'longwatch',
        temporalAddress: 'https://x',
        colour: 1,
      }),
    ).toThrow(
      /imageTag: .*\n.*secretArn: must be a complete ARN.*\n.*temporalAddress: must be host:port\n.*temporalNamespace: .*\n.*colour/s,
    );
    expect(() => readSettings(join(folder, 'nowhere.json'))).toThrow('cannot be read as JSON');
    expect(() => parseSettings({ ...readSettings(EXAMPLE), model: 'xgboost' })).toThrow(
      'xgboostImage: must be set if model is xgboost',
    );
  });
});
