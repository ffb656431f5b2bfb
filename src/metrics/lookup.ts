/**
 * Something that is looked up when metrics are asked for, but not more often than every so many milliseconds, and
 * never waited for longer than so many: a part that is away must not take the other metrics with it.
 * @returns what was found last; undefined before anything was found.
 */
export function lookup<T>(
  ask: () => Promise<T>,
  { everyMs, withinMs = 2_000 }: { everyMs: number; withinMs?: number },
): () => Promise<T | undefined> {
  let found: T | undefined;
  let asking: Promise<void> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (!asking && performance.now() - askedAt >= everyMs) {
      askedAt = performance.now();
      asking = ask()
        .then(
          (answer) => void (found = answer),
          () => undefined, // The last answer stays.
        )
        .finally(() => (asking = undefined));
    }
    if (asking) await settledWithin(asking, withinMs);
    return found;
  };
}

async function settledWithin(work: Promise<void>, withinMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise<void>((resolve) => (timer = setTimeout(resolve, withinMs)))]);
  clearTimeout(timer);
}
