import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { DocumentClient, documentClient, type DocumentSender } from '../documentClient';

/** A client of the application: of the SDK, or one that only sends commands of the document client. */
export type ApplicationClient = DynamoDBClient | DynamoDBDocumentClient | DocumentSender;

/**
 * Returns the store's client for the application's. It works on copies of the settings and of the middleware, so that
 * the application's client does not change: the SDK stores a document client's marshalling in settings that all clients
 * made from the same client share.
 *
 * If the application added middleware of its own, each call goes through it. Otherwise calls are sent directly.
 */
export function senderFor(client: ApplicationClient): DocumentSender {
  if (!('middlewareStack' in client)) return client;
  const names = client.middlewareStack.identify();
  // Clients of older SDKs add the serializer for each command and cannot run our commands: use a client of our SDK.
  if (!names.includes(SERIALIZER)) return new DocumentClient(documentClient(ownClient(client.config)));
  const copy = {
    config: { ...client.config, cacheMiddleware: false },
    middlewareStack: client.middlewareStack.clone(),
  } as DynamoDBClient;
  const document = documentClient(copy);
  return isPlain(names) ? new DocumentClient(document) : document;
}

const SERIALIZER = 'serializerMiddleware - serialize';

const ownClient = (config: object): DynamoDBClient =>
  new DynamoDBClient(
    Object.assign({}, config, {
      cacheMiddleware: false,
      defaultUserAgentProvider: undefined,
      retryStrategy: undefined,
      extensions: undefined,
    }) as never,
  );

/** Whether a client has the middleware of the SDK alone. */
function isPlain(names: readonly string[]): boolean {
  const own = new Set(new DynamoDBClient({}).middlewareStack.identify());
  return names.every((name) => own.has(name));
}
