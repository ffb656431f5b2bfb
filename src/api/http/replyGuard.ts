import { ServerResponse } from 'node:http';
import { type Problem, problemBody } from './problem';

const guards = new WeakMap<ServerResponse, ReplyGuard>();
/** Headers of a reply that is replaced: they describe a body that is not sent. */
const OF_A_BODY = [
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'etag',
  'location',
  'last-modified',
];

/**
 * Sees to it that a response ends, and ends once. Middleware such as express-session replaces `end` and `writeHead`;
 * what
 * it throws there would leave the response open for good, since every later attempt goes through the same wrapper. The
 * guard
 * is made before such middleware, notices the end, keeps the request's deadline, and answers past all wrappers.
 */
export class ReplyGuard {
  private timer: NodeJS.Timeout | undefined;
  private readonly listeners: (() => void)[] = [];
  private hasEnded = false;
  /**
   * Set once a reply is being sent. What throws then may have left a wrapper of `end` that never ends: only `fail`
   * does.
   */
  replying = false;

  /** Returns the guard of a response. */
  static of(response: ServerResponse): ReplyGuard {
    let guard = guards.get(response);
    if (!guard) guards.set(response, (guard = new ReplyGuard(response)));
    return guard;
  }

  private constructor(private readonly response: ServerResponse) {
    const { end, write } = response;
    // A handler that finishes after its deadline still writes; Node.js would emit an error that nobody listens to.
    response.write = ((...args: Parameters<typeof write>) =>
      this.hasEnded ? false : write.apply(response, args)) as typeof write;
    response.end = ((...args: Parameters<typeof end>) => {
      if (this.hasEnded) return response;
      this.finish();
      return end.apply(response, args);
    }) as typeof end;
    response.on('error', () => this.finish());
    response.once('close', () => this.finish());
  }

  /** The reply is complete as far as the process is concerned, or nobody waits for it. */
  get ended(): boolean {
    return this.hasEnded;
  }

  /** Calls a listener once the reply is complete, a session that is saved with it included. */
  onEnd(listener: () => void): void {
    if (this.hasEnded) listener();
    else this.listeners.push(listener);
  }

  /**
   * Gives the request so many milliseconds from now; then it is answered with the problem. Replaces an earlier
   * deadline.
   */
  within(ms: number, problem: Problem): void {
    this.release();
    if (!this.hasEnded)
      this.timer = setTimeout(() => this.fail(problem, String(this.response.getHeader('x-request-id') ?? '')), ms);
  }

  /** The request has no deadline any more. */
  release(): void {
    clearTimeout(this.timer);
  }

  /**
   * Answers with a problem whatever state the response is in; where a part of another answer is sent already, cuts the
   * connection. Never throws.
   */
  fail(problem: Problem, requestId: string): void {
    if (this.hasEnded) return;
    this.finish();
    const { response } = this;
    try {
      if (response.headersSent) return void response.destroy();
      for (const name of OF_A_BODY) response.removeHeader(name);
      const body = problemBody(problem, requestId);
      const headers = {
        ...problem.extra.headers,
        'content-type': 'application/problem+json',
        'content-length': Buffer.byteLength(body),
      };
      ServerResponse.prototype.writeHead.call(response, problem.status, headers);
      ServerResponse.prototype.end.call(response, body, 'utf8');
    } catch {
      response.destroy();
    }
  }

  private finish(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.release();
    for (const listener of this.listeners.splice(0))
      try {
        listener();
      } catch {
        // The others must hear of it, and the reply must go out.
      }
  }
}
