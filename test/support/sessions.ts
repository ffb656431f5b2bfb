import type { SessionData } from 'express-session';
import { DynamoDBSessionStore, type DynamoDBSessionStoreOptions } from '../../src/stores/sessions/dynamoDBSessionStore';
import type { TestDynamoDB } from './dynamodb';

/** Data of a test's own, with a cookie that ends with the browser unless one is given. */
export type TestSession = SessionData & { [name: string]: unknown };

export interface TestStore {
  store: DynamoDBSessionStore;
  get(id: string): Promise<TestSession | null | undefined>;
  set(id: string, session: object): Promise<void>;
  touch(id: string, session: object): Promise<void>;
  destroy(id: string): Promise<void>;
}

/** A store on the tables of a test's DynamoDB, by promises. */
export function testStore(
  { db }: Pick<TestDynamoDB, 'db'>,
  options: Partial<DynamoDBSessionStoreOptions> = {},
): TestStore {
  const store = new DynamoDBSessionStore({ client: db.client, tableName: db.table('Sessions'), ...options });
  const by = <T>(call: (done: (error?: unknown, result?: T) => void) => void) =>
    new Promise<T>((resolve, reject) =>
      call((error, result) => (error ? reject(error as Error) : resolve(result as T))),
    );
  return {
    store,
    get: (id) => by((done) => store.get(id, done as never)),
    set: (id, session) => by((done) => store.set(id, session as SessionData, done)),
    touch: (id, session) => by((done) => store.touch(id, session as SessionData, done)),
    destroy: (id) => by((done) => store.destroy(id, done)),
  };
}

export const sessionOf = (data: object = {}): TestSession =>
  ({ cookie: { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }, ...data }) as never;

/** The session under a new id, once it is saved under it; as on a change of privilege. */
export function rotated(store: DynamoDBSessionStore, session: object): TestSession {
  const request = { session, sessionStore: { generate: (of: { session: object }) => (of.session = sessionOf()) } };
  store.rotate(request as never);
  return request.session as TestSession;
}
