import type { Readable } from 'node:stream';
import { UndiciHttpHandler } from '@smithy/undici-http-handler';
import { Agent } from 'undici';

/** Timeouts and sockets of an AWS client. */
export interface AwsHttpSettings {
  /** Maximum wait for the response, and for each further part of its body; milliseconds. */
  silentMs: number;
  /** Maximum time to connect, in milliseconds. Default 1,000. */
  connectMs?: number;
  /** Maximum number of open connections to a host. Further calls wait in this process. Default 128. */
  maxSockets?: number;
}

/** How long an unused connection stays open, in milliseconds. A new connection to AWS costs a TLS handshake. */
const KEEP_ALIVE_MS = 20_000;

/**
 * Returns the HTTP handler for AWS clients: HTTP/1.1 with keep-alive, and timeouts so that no call hangs. If the
 * network drops packets, a missing response is never reported.
 */
export function awsHttp({ silentMs, connectMs = 1_000, maxSockets = 128 }: AwsHttpSettings): UndiciHttpHandler {
  return new TransientErrorsHandler({
    dispatcher: new Agent({
      connections: maxSockets,
      connect: { timeout: connectMs },
      headersTimeout: silentMs,
      bodyTimeout: silentMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
    }),
  });
}

/**
 * Gives the failures of a body the names by which the SDK retries. The handler names only those that come before the
 * body.
 */
class TransientErrorsHandler extends UndiciHttpHandler {
  override async handle(...args: Parameters<UndiciHttpHandler['handle']>) {
    const answer = await super.handle(...args);
    (answer.response.body as Readable).once('error', nameTransient);
    return answer;
  }
}

function nameTransient(error: Error & { code?: string }): void {
  if (error.code === 'UND_ERR_BODY_TIMEOUT') error.name = 'TimeoutError';
  if (error.code === 'UND_ERR_SOCKET') error.name = 'RequestTimeout';
}

/**
 * Returns whether an error of an AWS client is a network failure: connection refused, reset or closed, timeout, or
 * abort at the caller's deadline. `RequestTimeout` is how the handler names a connection that closed.
 */
export function isWireFault(error: Error): boolean {
  const { code } = error as { code?: unknown };
  return (
    /^(AbortError|TimeoutError|RequestTimeout)$/.test(error.name) ||
    (typeof code === 'string' && /^(E[A-Z]+|UND_ERR_[A-Z_]+)$/.test(code))
  );
}
