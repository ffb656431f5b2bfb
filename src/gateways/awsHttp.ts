import { Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { NodeHttpHandler } from '@smithy/node-http-handler';

export interface AwsHttpSettings {
  /** Until there is an answer, and between two pieces of one; milliseconds. */
  silentMs: number;
  /** Default 1,000. */
  connectMs?: number;
  /** Default 128. */
  maxSockets?: number;
}

/**
 * How AWS clients call: HTTP/1.1, keep-alive sockets, and no call that hangs. A network that drops packets tells
 * nobody:
 * without `throwOnRequestTimeout` the SDK only warns about an answer that does not come, and waits on for ever, as it
 * does without a socket timeout for one that stops halfway.
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
 * Returns whether an error of an AWS client is a fault of the wire: refused, reset, timed out, or aborted by our
 * deadline.
 */
export function isWireFault(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return /^(AbortError|TimeoutError)$/.test(error.name) || (typeof code === 'string' && /^E[A-Z]+$/.test(code));
}
