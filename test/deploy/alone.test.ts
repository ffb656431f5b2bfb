import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { packModel } from '../../deploy/artefacts';
import { parseSettings } from '../../deploy/settings';
import { LongwatchStack } from '../../deploy/stack';
import type { ServiceName } from '../../src/config/services';
import { capabilities } from '../../src/graph/capabilities';
import { combine } from '../../src/graph/combinedCapabilities';
import { selectQueues } from '../../src/workers/selectQueues';
import { containers, environmentOf, resources } from '../support/cloudformation';

const example = JSON.parse(readFileSync(join('deploy', 'settings.example.json'), 'utf8')) as object;
let folder: string;
let model: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'longwatch-alone-'));
  mkdirSync(join(folder, 'functions'));
  model = await packModel(join(folder, 'model.tar.gz'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each(capabilities.map(({ name }) => name))(
  '%s alone has its tables, streams, queues and functions, and no part that it does not use',
  (name) => {
    const settings = parseSettings({ ...example, capabilities: [name], functions: ['streams', 'iot'] });
    const template = Template.fromStack(
      new LongwatchStack(new App({ outdir: mkdtempSync(join(folder, 'synth-')) }), settings, {
        model,
        functions: join(folder, 'functions'),
      }),
    );
    const {
      capabilities: [{ functions = [] }],
      needs,
      queues,
      tables,
    } = combine(capabilities.filter((one) => one.name === name)) as ReturnType<typeof combine> & {
      capabilities: [(typeof capabilities)[number]];
    };
    const uses = (part: ServiceName) => ['required', 'embedded'].includes(needs.parts[part] ?? '');
    const namesOf = (type: string, property: string) =>
      resources(template, type)
        .map(([, { Properties }]) => String(Properties[property]))
        .sort();
    expect(namesOf('AWS::DynamoDB::Table', 'TableName')).toEqual(
      Object.keys(tables)
        .map((table) => `longwatch-${table}`)
        .sort(),
    );
    expect(namesOf('AWS::Kinesis::Stream', 'Name')).toEqual(
      needs.kinesisStreams.map(({ fallback }) => fallback).sort(),
    );
    expect(resources(template, 'AWS::SageMaker::Endpoint')).toHaveLength(uses('sagemaker') ? 1 : 0);
    expect(resources(template, 'AWS::S3::Bucket')).toHaveLength(uses('s3') ? 1 : 0);
    expect(namesOf('AWS::Lambda::Function', 'FunctionName')).toEqual(
      functions.map((one) => `longwatch-${one.name}`).sort(),
    );
    const served = containers(template)
      .flatMap((container) => environmentOf(container)['LONGWATCH_QUEUES'] ?? [])
      .flatMap((listed) => selectQueues(queues, listed));
    expect(served.sort()).toEqual(Object.keys(queues).sort());
    for (const container of containers(template)) expect(environmentOf(container)['LONGWATCH_CAPABILITIES']).toBe(name);
  },
);

it('leaderboards alone need no model, no Kinesis and no bucket', () => {
  const { parts, kinesisStreams } = combine(capabilities.filter(({ name }) => name === 'leaderboards')).needs;
  expect([parts, kinesisStreams]).toEqual([{ s3: 'optional' }, []]);
});

it('settings that name an unknown capability say which there are', () => {
  expect(() => parseSettings({ ...example, capabilities: ['leaderbords'] })).toThrow(
    /capabilities.0: .*"leaderboards"/,
  );
});
