import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** Timeouts and sockets of an AWS client, in milliseconds. */
export interface AwsHttpSettings {
  /** Maximum wait for the response, and for each further part of its body; milliseconds. */
  silentMs: number;
  /** Maximum time to connect, in milliseconds. Default 1,000. */
  connectMs?: number;
  /** Maximum number of open connections. Default 128. */
  maxSockets?: number;
}

/**
 * Returns the HTTP handler for AWS clients: HTTP/1.1 with keep-alive, and timeouts so that no call hangs. If the
 * network drops packets, a missing response is never reported. Without `throwOnRequestTimeout` the SDK only logs a
 * warning and waits forever. Without a socket timeout it waits forever for the rest of a body.
 */
export function awsHttp({ silentMs, connectMs = 1_000, maxSockets = 128 }: AwsHttpSettings): NodeHttpHandler {
  return new NodeHttpHandler({
    connectionTimeout: connectMs,
    requestTimeout: silentMs,
    throwOnRequestTimeout: true,
    socketTimeout: silentMs,
    httpAgent: new Agent({ keepAlive: true, maxSockets }),
    httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets }),
  });
}

/**
 * Returns whether an error of an AWS client is a network failure: connection refused or reset, timeout, or abort at the
 * caller's deadline.
 */
export function isWireFault(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return /^(AbortError|TimeoutError)$/.test(error.name) || (typeof code === 'string' && /^E[A-Z]+$/.test(code));
}
