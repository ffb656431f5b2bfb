import type { IncomingMessage } from 'node:http';
import { type ClientAddress, networkOf } from '../http/clientAddress';

/**
 * Identifies the caller before authentication, from the headers or the network alone. Callers that share a key share
 * one place in the round-robin order.
 */
export const callerOf = (request: IncomingMessage, addressOf: ClientAddress): string =>
  request.headers.authorization ?? request.headers.cookie ?? networkOf(addressOf(request) ?? '');
