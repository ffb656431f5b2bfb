import type { IncomingMessage } from 'node:http';
import type { ClientAddress } from '../http/clientAddress';

/**
 * Identifies the caller before authentication, from the headers or the address alone. Callers that share a key share
 * one place in the round-robin order.
 */
export const callerOf = (request: IncomingMessage, addressOf: ClientAddress): string =>
  request.headers.authorization ?? request.headers.cookie ?? addressOf(request) ?? '';
