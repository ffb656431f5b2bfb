import { retryUntilReady } from '../../src/run/retryUntilReady';

const failing = (times: number) => {
  let calls = 0;
  return async () => {
    if (++calls <= times) throw new Error(`failure ${calls}`);
    return calls;
  };
};
const quick = { backoff: { firstMs: 1, lastMs: 2 } };

it('tries until it succeeds, and tells of every failure', async () => {
  const faults: string[] = [];
  expect(
    await retryUntilReady(failing(3), {
      ...quick,
      signal: new AbortController().signal,
      onFault: (error) => faults.push((error as Error).message),
    }),
  ).toBe(4);
  expect(faults).toEqual(['failure 1', 'failure 2', 'failure 3']);
});

it('throws what does not pass by itself', async () => {
  const trying = retryUntilReady(failing(3), {
    ...quick,
    signal: new AbortController().signal,
    onFault: () => undefined,
    passes: (error) => (error as Error).message !== 'failure 2',
  });
  await expect(trying).rejects.toThrow('failure 2');
});

it('ends at the signal, without waiting for its pause', async () => {
  const stop = new AbortController();
  const trying = retryUntilReady(failing(Number.POSITIVE_INFINITY), {
    backoff: { firstMs: 3_600_000, lastMs: 3_600_000 },
    signal: stop.signal,
    onFault: () => setTimeout(() => stop.abort(), 1),
  });
  expect(await trying).toBeUndefined();
});
