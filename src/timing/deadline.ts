/** A deadline passed before the work finished. The work continues in the background. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';

  constructor(readonly afterMs: number) {
    super(`No answer within ${afterMs} ms`);
  }
}

/**
 * Waits for work for at most `ms` milliseconds. The work continues after that. Rejects if the work rejects first.
 * @param late returns the result to use when the deadline passes
 * @throws DeadlineError when the deadline passes and `late` is absent
 */
export async function withDeadline<T, L = never>(work: Promise<T>, ms: number, late?: () => L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<L>((resolve, reject) => {
    timer = setTimeout(() => {
      if (late) resolve(late());
      else reject(new DeadlineError(ms));
    }, ms);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs work with a signal that aborts when the given signal aborts or after `ms` milliseconds, whichever comes first.
 * `AbortSignal.any([signal, AbortSignal.timeout(ms)])` is not reliable here: Node holds the timeout signal only by a
 * weak reference, and a timeout signal that was garbage-collected never aborts (nodejs/node#57736).
 */
export async function within<T>(signal: AbortSignal, ms: number, work: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  const timer = setTimeout(stop, ms);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

/**
 * Waits for work until a signal aborts. The work continues after that. Rejects if the work rejects first.
 * @throws the error of `late`, when the signal aborts
 */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(late());
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
