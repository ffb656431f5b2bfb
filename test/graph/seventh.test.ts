import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import request from 'supertest';
import { grantsOf } from '../../deploy/access';
import { packModel } from '../../deploy/artefacts';
import { parseSettings } from '../../deploy/settings';
import { LongwatchStack } from '../../deploy/stack';
import { subjectsOf } from '../../src/domain/platform/workflowSubjects';
import { capabilities } from '../../src/graph/capabilities';
import { combine } from '../../src/graph/combinedCapabilities';
import { configReference, readConfig } from '../../src/graph/config';
import { listMetrics } from '../../src/metrics/table';
import { bundleOptions } from '../../src/workers/bundle';
import { containers, environmentOf, resources } from '../support/cloudformation';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { notes } from '../support/notes/capability';
import { eventually } from '../support/stack';
import { startTestTemporal, type TestTemporal } from '../support/temporal';

// A seventh capability: files of its own, and a line in the list. Whatever lists capabilities has it then.

const seven = [...capabilities, notes];
const combined = combine(seven);
let temporal: TestTemporal;
let graph: TestGraph;
let worker: Worker;
let running: Promise<void>;
beforeAll(async () => {
  temporal = await startTestTemporal();
  graph = await startTestGraph({ LONGWATCH_NOTE_REMIND_AFTER_MS: '50' }, temporal.address, { capabilities: seven });
  const workflowBundle = await bundleWorkflowCode({
    ...bundleOptions(combined.workflowsPaths()),
    logger: new DefaultLogger('ERROR'),
  });
  const connection = await NativeConnection.connect({ address: temporal.address });
  const taskQueue = 'longwatch-notes';
  worker = await Worker.create({ connection, taskQueue, workflowBundle, activities: graph.activities[taskQueue]! });
  running = worker.run().then(() => connection.close());
});
afterAll(async () => {
  worker?.shutdown();
  await running;
  await graph?.stop();
  await temporal?.stop();
});

const call = (method: 'put' | 'get', path: string) =>
  request(graph.app)
    [method](path)
    .set(...bearer('service'));

it('its request writes to its table, its workflow runs, its figures are on the page and in the metrics', async () => {
  await call('put', '/v1/notes/n-1').send({ text: 'Call Ada' }).expect(201);
  const { body } = await eventually(
    () => call('get', '/v1/notes/n-1'),
    ({ body: note }) => note.reminded === true,
  );
  expect(body).toEqual({ text: 'Call Ada', reminded: true });
  const { body: overview } = await request(graph.app)
    .get('/v1/overview')
    .set(...bearer('admin'));
  expect(overview.capabilities.find(({ name }: { name: string }) => name === 'notes')).toMatchObject({
    title: 'Notes',
    figures: expect.arrayContaining([{ label: 'reminded', value: 1, scope: 'process' }]),
  });
  expect((await request(graph.app).get('/metrics')).text).toContain('longwatch_notes_reminded_total 1');
  const { body: document } = await request(graph.app).get('/openapi.json');
  expect(Object.keys(document.paths)).toContain('/v1/notes/{noteId}');
});

it('its settings, metrics, queue, rule and log ids are those of the process', () => {
  const name = 'LONGWATCH_NOTE_REMIND_AFTER_MS';
  expect(readConfig({ [name]: '50' }, () => [], seven)).toMatchObject({ [name]: 50 });
  expect(() => readConfig({ [name]: 'soon' }, () => [], seven)).toThrow(`${name}: must be a whole number`);
  expect(configReference({}, seven)).toContainEqual({
    name,
    fallback: '1000',
    description: 'Notes: time from a note to its reminder',
  });
  expect(listMetrics(seven.map(({ metrics }) => metrics)).map((one) => one.name)).toContain(
    'longwatch_notes_reminded_total',
  );
  expect(combined.queues['longwatch-notes']).toEqual({ concurrentActivities: 5, group: 'requests' });
  expect(combined.lifecycleRule('noteReminder')).toMatchObject({ restartedBy: 'row' });
  expect(subjectsOf(combined.workflowIds, 'note-reminder/n-1')).toEqual({ noteId: 'n-1' });
});

it('alone it needs nothing but DynamoDB and Temporal, and another name is refused with the right ones', () => {
  expect(combine([notes]).needs).toEqual({ parts: {}, kinesisStreams: [] });
  expect(() => readConfig({ LONGWATCH_CAPABILITIES: 'note' }, () => [], seven)).toThrow(
    /no capability "note"; did you mean notes\? Capabilities: fraud, .*notes$/,
  );
  expect(() => combine([notes, notes])).toThrow('Two capabilities declare the workflow type noteReminder');
});

it('the stack has its table, its queue and its grants', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-seventh-'));
  mkdirSync(join(folder, 'functions'));
  const settings = parseSettings(JSON.parse(readFileSync(join('deploy', 'settings.example.json'), 'utf8')));
  const artefacts = { model: await packModel(join(folder, 'model.tar.gz')), functions: join(folder, 'functions') };
  const template = Template.fromStack(
    new LongwatchStack(
      new App({ outdir: join(folder, 'out') }),
      { ...settings, capabilities: seven.map(({ name }) => name) },
      artefacts,
      {},
      seven,
    ),
  );
  rmSync(folder, { recursive: true, force: true });
  expect(resources(template, 'AWS::DynamoDB::Table').map(([, { Properties }]) => Properties['TableName'])).toContain(
    'longwatch-Notes',
  );
  const served = containers(template).flatMap((container) =>
    (environmentOf(container)['LONGWATCH_QUEUES'] ?? '').split(','),
  );
  expect(served).toContain('notes');
  expect(grantsOf('api', combined).get('Notes')).toEqual(['GetItem', 'PutItem']);
  expect(grantsOf('worker', combined).get('Notes')).toEqual(['UpdateItem']);
});
