import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface Patience {
  /**
   * Default five minutes: the longest wait, for an attempt that died with its worker, takes a minute and a half on a
   * quiet machine.
   */
  withinMs?: number;
  everyMs?: number;
}

const LATE = Symbol('late');

/**
 * Asks again and again until the answer is as wanted.
 * @throws Error with the last answer, when none was as wanted in time, even if a question is never answered.
 */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  wanted: (answer: T) => unknown = Boolean,
  { withinMs = 300_000, everyMs = 50 }: Patience = {},
): Promise<T> {
  const failure = new Error(); // Its stack is the caller's.
  const bound = new AbortController();
  const late = pause(withinMs, LATE, { signal: bound.signal }).catch(() => LATE);
  let tries = 0;
  let last: T | undefined;
  try {
    for (const from = performance.now(); ; await pause(everyMs)) {
      tries++;
      const answer = await Promise.race([ask(), late]);
      if (answer !== LATE) {
        last = answer as T;
        if (wanted(last)) return last;
        if (performance.now() - from < withinMs) continue;
      }
      failure.message =
        `After ${withinMs / 1_000} s and ${tries} tries the answer was still not as wanted by ${wanted.toString()}` +
        `${answer === LATE ? ', and the last try has no answer' : ''}. ` +
        `The last answer: ${inspect(last, { depth: 6, breakLength: 160 }).slice(0, 4_000)}`;
      throw failure;
    }
  } finally {
    bound.abort();
  }
}

/**
 * Lets time pass during which something must not happen: that nothing happened is no condition to wait for. A machine
 * that stalls makes such a test weaker, never wrong.
 */
export async function stillAfter<T>(ms: number, ask: () => Promise<T> | T): Promise<T> {
  await pause(ms);
  return ask();
}
