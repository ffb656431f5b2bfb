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
