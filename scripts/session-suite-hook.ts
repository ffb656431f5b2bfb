import Module from 'node:module';
import { join } from 'node:path';
import { LOCAL_CREDENTIALS } from '../src/config/endpoints';
import { dynamoDBClient } from '../src/stores/dynamodb';
import type * as sessionStore from '../src/stores/sessions/dynamoDBSessionStore';

/**
 * Loaded by mocha before the tests. Whoever asks for express-session gets the checkout's, and the checkout gets our
 * store
 * for its MemoryStore, also where it makes one itself; each has a prefix of its own and no other option.
 */
const { SESSION_SUITE_DYNAMODB: endpoint = '', SESSION_SUITE_CHECKOUT: checkout = '' } = process.env;

const loader = Module as unknown as { _resolveFilename(request: string, ...rest: unknown[]): string };
const usual = loader._resolveFilename;
loader._resolveFilename = (request, ...rest) => usual(request === 'express-session' ? checkout : request, ...rest);

const { DynamoDBSessionStore } = require('../src/stores/sessions/dynamoDBSessionStore') as typeof sessionStore;

const client = dynamoDBClient({ region: 'us-east-1', endpoint, credentials: LOCAL_CREDENTIALS });
let stores = 0;

class MemoryStore extends DynamoDBSessionStore {
  constructor() {
    super({ client, tableName: 'suite-Sessions', prefix: `${++stores}:` });
  }
}

const memory = require.cache[require.resolve(join(checkout, 'session', 'memory.js'))];
if (!memory) throw new Error(`${checkout} is no checkout of expressjs/session`);
memory.exports = MemoryStore;
// Loaded anew, so that it takes our store for its own.
delete require.cache[require.resolve(checkout)];

// So that a run in which no test used the store is not mistaken for a good one.
process.once('exit', () => console.log(`  ${stores} stores were DynamoDBSessionStores\n`));
