// Before the SDK loads, and for the tests' process: no news for whoever reads the result.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LOCAL_CREDENTIALS } from '../src/config/endpoints';
import { startDynamoDB } from '../src/local/dynamodb';
import { createTables, dynamoDBClient } from '../src/stores/dynamodb';
import { everything } from '../src/graph/capabilities';

const USAGE = `npm run session-suite -- <checkout of expressjs/session>

Runs the test suite of express-session, unchanged, with our store in place of its MemoryStore, on a DynamoDB of its own.
The checkout's dependencies must be installed there (npm install).`;

/** @returns mocha's exit code. */
async function main(): Promise<number> {
  const [given] = process.argv.slice(2);
  const checkout = resolve(given ?? '');
  const mocha = join(checkout, 'node_modules', 'mocha', 'bin', 'mocha.js');
  if (!given || !existsSync(mocha)) {
    console.error(given ? `There is no ${mocha}\n\n${USAGE}` : USAGE);
    return 2;
  }
  // What their own test script does first.
  if (!existsSync(join(checkout, 'test', 'fixtures', 'server.crt')))
    spawnSync('sh', ['test/support/gencert.sh'], { cwd: checkout, stdio: 'ignore' });
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-session-suite-'));
  const dynamodb = await startDynamoDB({ dataDir, inMemory: true });
  const client = dynamoDBClient({ region: 'us-east-1', endpoint: dynamodb.endpoint, credentials: LOCAL_CREDENTIALS });
  try {
    await createTables(client, 'suite-', everything.tables);
    const tests = spawn(
      process.execPath,
      [
        '--import',
        require.resolve('tsx'),
        mocha,
        '--require',
        'test/support/env',
        '--require',
        join(__dirname, 'session-suite-hook.ts'),
        '--check-leaks',
        '--exit',
        '--reporter',
        'dot',
        'test/',
      ],
      {
        cwd: checkout,
        stdio: 'inherit',
        env: { ...process.env, SESSION_SUITE_DYNAMODB: dynamodb.endpoint, SESSION_SUITE_CHECKOUT: checkout },
      },
    );
    return await new Promise((done) => tests.once('exit', (code) => done(code ?? 1)));
  } finally {
    client.destroy();
    await dynamodb.child.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

void main().then((code) => (process.exitCode = code));
