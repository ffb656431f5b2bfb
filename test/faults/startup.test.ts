import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { startDynamoDB } from '../../src/local/dynamodb';
import { bearer } from '../support/graph';
import { quietPort } from '../support/ports';
import { TEST_SECRET } from '../support/secret';
import { eventually } from '../support/stack';
import { built } from '../support/built';

const folder = mkdtempSync(join(tmpdir(), 'longwatch-startup-'));
let api: ChildProcess | undefined;
afterAll(() => {
  api?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

it('an API that starts while DynamoDB is away waits for it, and then serves', async () => {
  const port = await quietPort();
  let output = '';
  api = spawn(process.execPath, [built('src/main.ts'), 'api'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      PORT: '0',
      DYNAMODB_ENDPOINT: `http://127.0.0.1:${port}`,
      SAGEMAKER_ENDPOINT: 'http://127.0.0.1:1',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      LONGWATCH_SIGNING_SECRET: TEST_SECRET,
      LONGWATCH_API_KEYS: `service:service:${bearer('service')[1].slice('Bearer '.length)}`,
    },
  });
  api.stdout!.on('data', (part: Buffer) => (output += part.toString()));
  const tries = () => output.split('is unavailable; retrying').length - 1;
  await eventually(async () => api!.exitCode !== null || tries() >= 2, Boolean);
  expect(api.exitCode).toBeNull();
  const dynamodb = await startDynamoDB({ dataDir: folder, inMemory: true, port });
  await eventually(async () => api!.exitCode !== null || /API +http/.test(output), Boolean);
  const [, url = ''] = /API +(http:\S+)/.exec(output) ?? [];
  await request(url)
    .put('/v1/users/ada')
    .set(...bearer('service'))
    .send({ name: 'Ada' })
    .expect(201);
  await dynamodb.child.stop();
});
