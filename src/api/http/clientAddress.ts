import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
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

/**
 * Returns the network that one client usually controls: an IPv4 address, or the first 64 bits of an IPv6 address, which
 * one household or host is assigned. Some proxies add a port to the address; it does not count.
 */
export function networkOf(address: string): string {
  const bare = address.replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
  if (!ipaddr.isValid(bare)) return bare;
  const parsed = ipaddr.process(bare);
  return parsed instanceof ipaddr.IPv6
    ? parsed.parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':')
    : parsed.toString();
}
