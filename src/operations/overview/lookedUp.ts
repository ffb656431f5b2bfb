/** What was found when somebody last looked, or that it could not be had. */
export type LookedUp<T> = { value: T; at: number } | { unavailable: true; at: number };

/**
 * Shares one look among all who ask within `forMs`, so that a page that many people watch costs what one does.
 * A look that takes longer than `boundMs`, or fails, counts as unavailable for as long.
 */
export function lookedUp<T>(look: () => Promise<T>, { forMs, boundMs = 2_000, now = Date.now }: { forMs: number; boundMs?: number; now?: () => number }): () => Promise<LookedUp<T>> {
  let until = 0;
  let last: Promise<LookedUp<T>> | undefined;
  return () => {
    if (last && now() < until) return last;
    until = now() + forMs;
    const at = now();
    last = bounded(look, boundMs).then(
      (value) => ({ value, at }),
      // Which part it is the page says beside it; why, the log and the metrics of that part.
      () => ({ unavailable: true as const, at }),
    );
    return last;
  };
}

async function bounded<T>(look: () => Promise<T>, boundMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(`no answer within ${boundMs} ms`)), boundMs)));
  try {
    return await Promise.race([look(), bound]);
  } finally {
    clearTimeout(timer);
  }
}
