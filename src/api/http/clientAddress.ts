import type { IncomingMessage } from 'node:http';
import proxyAddr from 'proxy-addr';

/** Returns the address of the client that sent a request. */
export type ClientAddress = (request: IncomingMessage) => string | undefined;

/**
 * Returns the function that finds a client's address: that of the connection, or, where the connection comes from a
 * trusted proxy, the last address of `X-Forwarded-For` that is not one of them. Express's `request.ip` is the same.
 */
export function clientAddressBehind(trustedProxies: readonly string[] = []): ClientAddress {
  const isTrusted = proxyAddr.compile([...trustedProxies]);
  // A connection that is closed already has no address, which the package takes for one that cannot be parsed.
  return (request) => (request.socket.remoteAddress === undefined ? undefined : proxyAddr(request, isTrusted));
}
