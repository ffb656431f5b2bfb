import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface Patience {
  /**
   * Default four minutes: the longest wait, for an attempt that died with its worker, takes a minute and a half on a
   * quiet machine.
   */
  withinMs?: number;
  everyMs?: number;
}

/**
 * Asks again and again until the answer is as wanted.
 * @throws Error with the last answer, when none was as wanted in time.
 */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  wanted: (answer: T) => unknown = Boolean,
  { withinMs = 240_000, everyMs = 50 }: Patience = {},
): Promise<T> {
  const failure = new Error(); // Its stack is the caller's.
  let tries = 0;
  for (const from = performance.now(); ; await pause(everyMs)) {
    const answer = await ask();
    tries++;
    if (wanted(answer)) return answer;
    if (performance.now() - from < withinMs) continue;
    failure.message =
      `After ${withinMs / 1_000} s and ${tries} tries the answer was still not as wanted by ${wanted.toString()}. ` +
      `The last answer: ${inspect(answer, { depth: 6, breakLength: 160 }).slice(0, 4_000)}`;
    throw failure;
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
