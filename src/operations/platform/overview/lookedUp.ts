/** What was found when somebody last looked, or that it could not be had. */
export type LookedUp<T> = { value: T; at: number } | { unavailable: true; at: number };

export interface LookSettings {
  /** How long a look is shared among all who ask. */
  forMs: number;
  /** A look that takes longer counts as unavailable. Default 2,000. */
  boundMs?: number;
  /** Nobody waits for longer: what was found before is given meanwhile. Default 400. */
  waitMs?: number;
  now?: () => number;
}

/**
 * Shares one look among all who ask, so that a page that many people watch costs what one does; and keeps a part that
 * is slow or away from holding up whoever asks for the others.
 */
export function lookedUp<T>(
  look: () => Promise<T>,
  { forMs, boundMs = 2_000, waitMs = 400, now = Date.now }: LookSettings,
): () => Promise<LookedUp<T>> {
  let until = Number.NEGATIVE_INFINITY;
  let found: LookedUp<T> | undefined;
  let looking: Promise<LookedUp<T>> | undefined;
  return async () => {
    const at = now();
    if (!looking && at >= until) {
      until = at + forMs;
      looking = withinMs(look(), boundMs)
        // Which part it is the page says beside it; why, the log and the metrics of that part.
        .then(
          (value): LookedUp<T> => ({ value, at }),
          (): LookedUp<T> => ({ unavailable: true, at }),
        )
        .then((result) => {
          looking = undefined;
          return (found = result);
        });
    }
    if (!looking) return found ?? { unavailable: true, at };
    return withinMs(looking, waitMs).catch(() => found ?? { unavailable: true, at });
  };
}

async function withinMs<T>(work: Promise<T>, boundMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<never>(
    (_, reject) => (timer = setTimeout(() => reject(new Error(`no answer within ${boundMs} ms`)), boundMs)),
  );
  try {
    return await Promise.race([work, bound]);
  } finally {
    clearTimeout(timer);
  }
}
