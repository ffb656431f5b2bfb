import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LOCAL_CREDENTIALS } from '../src/config/endpoints';
import { startDynamoDB } from '../src/local/dynamodb';
import { dynamoDBClient } from '../src/stores/dynamodb';
import { createTables } from '../src/stores/tableCreation';
import { everything } from '../src/graph/capabilities';
import { LabError } from '../src/lab/errors';
import { StartError } from '../src/local/errors';
import { runScript } from './commandLine';

/** Runs the test suite of a checkout of express-session on an embedded DynamoDB. @returns mocha's exit code. */
async function runSuite(given: string): Promise<number> {
  const checkout = resolve(given);
  const mocha = join(checkout, 'node_modules', 'mocha', 'bin', 'mocha.js');
  if (!existsSync(mocha))
    throw new LabError(`There is no ${mocha}: run npm install in a checkout of expressjs/session`);
  // The suite's own test script does this first.
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

runScript(
  {
    name: 'session-suite',
    positionals: '<checkout>',
    about:
      'Runs the test suite of express-session, unchanged, with the DynamoDB session store in place of its ' +
      'MemoryStore, on an embedded DynamoDB.',
    examples: [['../session', 'with a checkout of expressjs/session whose dependencies are installed']],
    expected: [StartError],
  },
  (cli) =>
    cli.positional('checkout', {
      type: 'string',
      demandOption: true,
      describe: 'Folder of a checkout of expressjs/session, after npm install there',
    }),
  async ({ checkout }) => {
    process.exitCode = await runSuite(checkout);
  },
);
