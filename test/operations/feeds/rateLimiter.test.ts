import { RateLimiter } from '../../../src/operations/feeds/rateLimiter';
import { FakeClock } from '../../support/clock';

const settled = () => new Promise((resolve) => setImmediate(resolve));

it('lets no more rows a second through than it may', async () => {
  const clock = new FakeClock();
  const rateLimiter = new RateLimiter(100, clock);
  for (let i = 0; i < 10; i++) await rateLimiter.take('star', 25);
  // The first at once, each other one when those before it are paid for.
  expect(clock.time).toBe((9 * 25 * 1_000) / 100);
});

it('authors take turns: one with eight ranges under way gets no more than one with one', async () => {
  const rateLimiter = new RateLimiter(100, new FakeClock());
  const order: string[] = [];
  const range = async (author: string, pages: number) => {
    for (let i = 0; i < pages; i++) {
      await rateLimiter.take(author, 25);
      order.push(author);
    }
  };
  await Promise.all([...Array.from({ length: 8 }, () => range('star', 20)), range('other', 10), range('third', 10)]);
  // The first three belong to the eight ranges that came first; from then on turns are strict.
  const until = (author: string) => order.lastIndexOf(author) + 1;
  expect(until('other')).toBeLessThanOrEqual(3 * 10 + 3);
  expect(until('third')).toBeLessThanOrEqual(3 * 10 + 3);
  expect(order.filter((author) => author === 'star')).toHaveLength(160);
});

it('who is told to stop waits no longer, and takes nobody’s turn', async () => {
  const sleeps: (() => void)[] = [];
  const rateLimiter = new RateLimiter(1, {
    now: () => 0,
    sleep: () => new Promise<void>((resolve) => sleeps.push(resolve)),
  });
  await rateLimiter.take('star', 10);
  const stop = new AbortController();
  const stopped = rateLimiter.take('star', 10, stop.signal);
  const other = rateLimiter.take('other', 10);
  await settled();
  stop.abort(new Error('shutting down'));
  await expect(stopped).rejects.toThrow('shutting down');
  sleeps.shift()!();
  await other;
  await expect(rateLimiter.take('star', 1, stop.signal)).rejects.toThrow('shutting down');
});
