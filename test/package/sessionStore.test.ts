import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb';

const ROOT = join(__dirname, '..', '..');
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const project = mkdtempSync(join(tmpdir(), 'longwatch-package-'));
let dynamodb: TestDynamoDB;

/** A project of somebody else, in which the package is installed as it is built, beside what it depends on. */
beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'longwatch'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (!name.startsWith('.')) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  copyFileSync(join(ROOT, 'package.json'), join(modules, 'longwatch', 'package.json'));
  execFileSync(process.execPath, [TSC, '-p', 'tsconfig.build.json', '--outDir', join(modules, 'longwatch', 'dist')], {
    cwd: ROOT,
    stdio: 'inherit',
  });
});
afterAll(async () => {
  await dynamodb?.stop();
  rmSync(project, { recursive: true, force: true });
});

it('an application takes the store from the package, with types, and its sessions are kept', () => {
  writeFileSync(
    join(project, 'app.ts'),
    `import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import express = require('express');
import session = require('express-session');
import { DynamoDBSessionStore, type DynamoDBSessionStoreOptions } from 'longwatch/session-store';
import request = require('supertest');

declare module 'express-session' {
  interface SessionData { views: number }
}
const client = new DynamoDBClient({
  region: 'us-east-1',
  endpoint: process.env.ENDPOINT,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});
const options: DynamoDBSessionStoreOptions = { client, tableName: 'test-Sessions', idleTimeoutMs: 60_000 };
const store: session.Store = new DynamoDBSessionStore(options);
const app = express();
app.use(session({ store, secret: 'only for a test', resave: false, saveUninitialized: false }));
app.get('/', (req, res) => void res.send(String((req.session.views = (req.session.views ?? 0) + 1))));
app.get('/leave', (req, res) => req.session.destroy(() => res.send('left')));

void (async () => {
  const browser = request.agent(app);
  const seen: string[] = [];
  for (const path of ['/', '/', '/leave', '/']) seen.push((await browser.get(path)).text);
  console.log(seen.join(' '));
  client.destroy();
})();
`,
  );
  const strict = [
    '--strict',
    '--module',
    'node16',
    '--moduleResolution',
    'node16',
    '--target',
    'es2022',
    '--skipLibCheck',
    '--types',
    'node',
  ];
  execFileSync(process.execPath, [TSC, ...strict, 'app.ts'], { cwd: project, stdio: 'inherit' });
  const output = execFileSync(process.execPath, ['app.js'], {
    cwd: project,
    env: { ...process.env, NODE_OPTIONS: '', ENDPOINT: dynamodb.endpoint },
    encoding: 'utf8',
  });
  expect(output.trim()).toBe('1 2 left 1');
});

it('nothing else of the package can be taken', () => {
  const code = "try { require('longwatch/dist/main.js') } catch (error) { console.log(error.code) }";
  expect(execFileSync(process.execPath, ['-e', code], { cwd: project, encoding: 'utf8' }).trim()).toBe(
    'ERR_PACKAGE_PATH_NOT_EXPORTED',
  );
});
