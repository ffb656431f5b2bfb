/** Work took longer than its caller waits. The work itself goes on. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';

  constructor(readonly afterMs: number) {
    super(`No answer within ${afterMs} ms`);
  }
}

/**
 * Waits for work for at most so many milliseconds; the work itself goes on. Rejects as the work does.
 * @param late gives the answer when the time is over @throws DeadlineError then, where `late` is not given
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
 * Work that is to stop at a signal or after so many milliseconds, whichever comes first. Not
 * `AbortSignal.any([signal, AbortSignal.timeout(ms)])`: nobody but a weak reference holds that timeout, and once it is
 * collected it never fires (nodejs/node#57736).
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
