import { inLanes } from '../../src/domain/lanes';

const soon = () => new Promise((resolve) => setImmediate(resolve));

it('gives the results in the items’ order', async () => {
  expect(await inLanes([3, 1, 2], 2, async (item, index) => `${item}:${index}`)).toEqual(['3:0', '1:1', '2:2']);
  expect(await inLanes([], 4, () => Promise.reject(new Error('nothing to do')))).toEqual([]);
});

it('after a failure begins nothing more, and what has begun is over before it throws', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = inLanes([0, 1, 2, 3, 4, 5], 3, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error('the first failure');
    for (let i = 0; i < 5; i++) await soon();
    ended.push(item);
    if (item === 2) throw new Error('a later one');
  });
  await expect(work).rejects.toThrow('the first failure');
  expect(begun).toEqual([0, 1, 2]);
  expect(ended).toEqual([0, 2]);
});

it('does no more than so many at once', async () => {
  let running = 0;
  let most = 0;
  const results = await inLanes([5, 1, 3, 2, 4], 2, async (ticks) => {
    most = Math.max(most, ++running);
    for (let i = 0; i < ticks; i++) await soon();
    running--;
    return ticks * 10;
  });
  expect(results).toEqual([50, 10, 30, 20, 40]);
  expect(most).toBe(2);
});
