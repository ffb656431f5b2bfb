import { ServerResponse } from 'node:http';
import { errorPage, htmlPage } from './page';
import { Problem, problemBody } from './problem';

const guards = new WeakMap<ServerResponse, ReplyGuard>();
/** Headers that describe the body of the replaced reply, which is not sent. */
const OF_A_BODY = [
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'etag',
  'location',
  'last-modified',
];

/** The answer to a request that exceeds its deadline. Its handler may continue, but its reply is dropped. */
const late = (ms: number): Problem =>
  new Problem(
    504,
    `The request was not completed within ${ms} ms and may still take effect. Repeat it with the same ids to ` +
      'learn its result',
    {
      type: 'deadline-exceeded',
      title: 'Deadline exceeded',
      headers: { 'retry-after': '1' },
    },
  );

/**
 * Guarantees that a response ends, and ends once. Middleware such as express-session replaces `end` and `writeHead`. If
 * such a wrapper throws, every later attempt goes through the same wrapper and the response stays open. The guard is
 * created before such middleware. It sees the end of the response, enforces the request's deadline, and can answer
 * without the wrappers.
 */
export class ReplyGuard {
  private timer: NodeJS.Timeout | undefined;
  private readonly listeners: (() => void)[] = [];
  private hasEnded = false;
  /**
   * True once a reply is being sent. An error after that may have left a wrapper of `end` that never ends, so only
   * `fail` can answer.
   */
  replying = false;
  /** Whether the answer to an error is a page, for a customer's browser. */
  isPage = false;

  /** Returns the guard of a response and creates it at the first call. */
  static of(response: ServerResponse): ReplyGuard {
    let guard = guards.get(response);
    if (!guard) guards.set(response, (guard = new ReplyGuard(response)));
    return guard;
  }

  private constructor(private readonly response: ServerResponse) {
    const { end, write } = response;
    // A handler may still write after its deadline has answered. Node.js would emit an error event without a listener.
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

  /** Whether the reply is complete for this process, or the connection is closed. */
  get ended(): boolean {
    return this.hasEnded;
  }

  /** Calls a listener once the reply is complete, including the save of a session. */
  onEnd(listener: () => void): void {
    if (this.hasEnded) listener();
    else this.listeners.push(listener);
  }

  /**
   * Sets the request's deadline to this many milliseconds from now, in place of an earlier one. At the deadline the
   * guard answers 504.
   */
  within(ms: number): void {
    this.release();
    if (!this.hasEnded)
      this.timer = setTimeout(() => this.fail(late(ms), String(this.response.getHeader('x-request-id') ?? '')), ms);
  }

  /** Removes the request's deadline. */
  release(): void {
    clearTimeout(this.timer);
  }

  /**
   * Answers with a problem in any state of the response. If a part of another answer is already sent, closes the
   * connection. Never throws.
   */
  fail(problem: Problem, requestId: string): void {
    if (this.hasEnded) return;
    this.finish();
    const { response } = this;
    try {
      if (response.headersSent) return void response.destroy();
      for (const name of OF_A_BODY) response.removeHeader(name);
      const { body, headers: ofBody } = this.describe(problem, requestId);
      const headers = { ...problem.extra.headers, ...ofBody, 'content-length': Buffer.byteLength(body) };
      ServerResponse.prototype.writeHead.call(response, problem.status, headers);
      ServerResponse.prototype.end.call(response, body, 'utf8');
    } catch {
      response.destroy();
    }
  }

  /** Returns the answer to an error: problem details, or a page. */
  describe(problem: Problem, requestId: string): { body: string; headers: Record<string, string> } {
    if (!this.isPage)
      return { body: problemBody(problem, requestId), headers: { 'content-type': 'application/problem+json' } };
    const { raw, headers } = htmlPage(errorPage(problem));
    return { body: raw.content, headers: { ...headers, 'content-type': raw.contentType } };
  }

  private finish(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.release();
    for (const listener of this.listeners.splice(0))
      try {
        listener();
      } catch {
        // The other listeners must run and the reply must be sent.
      }
  }
}
