import Module from 'node:module';
import { join } from 'node:path';
import { LOCAL_CREDENTIALS } from '../src/config/endpoints';
import { dynamoDBClient } from '../src/stores/dynamodb';
import type * as sessionStore from '../src/stores/sessions/dynamoDBSessionStore';

/**
 * mocha loads this file before the tests. Every `require('express-session')` gets the checkout's module, and the
 * checkout gets our store in place of its MemoryStore, also where it creates one itself. Each store has its own prefix
 * and no other option.
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
if (!memory) throw new Error(`${checkout} is not a checkout of expressjs/session`);
memory.exports = MemoryStore;
// Reloads express-session, so that it uses our store.
delete require.cache[require.resolve(checkout)];

// Shows whether the tests used the store at all.
process.once('exit', () => console.log(`  ${stores} stores were DynamoDBSessionStores\n`));
