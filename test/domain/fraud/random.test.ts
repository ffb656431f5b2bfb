import { Random } from '../../../src/domain/fraud/random';

const many = <T>(draw: (random: Random) => T, count = 20_000, seed = 7): T[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => draw(random));
};
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
};

it('the same seed gives the same numbers, on every machine', () => {
  expect(many((random) => random.next(), 3, 1)).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522]);
  expect(many((random) => random.next(), 5, 2)).not.toEqual(many((random) => random.next(), 5, 1));
});

it('numbers keep within their bounds and reach each of them', () => {
  const integers = many((random) => random.integer(2, 5));
  expect(new Set(integers)).toEqual(new Set([2, 3, 4, 5]));
  for (const value of many((random) => random.between(-1, 3))) expect(value >= -1 && value < 3).toBe(true);
  expect(new Set(many((random) => random.pick(['a', 'b', 'c'])))).toEqual(new Set(['a', 'b', 'c']));
  expect(() => new Random(1).pick([])).toThrow('Nothing to pick from');
});

it('distributions have the mean and the spread that they are named for', () => {
  expect(mean(many((random) => Number(random.chance(0.3))))).toBeCloseTo(0.3, 1);
  const normal = many((random) => random.normal());
  expect([mean(normal), deviation(normal)]).toEqual([expect.closeTo(0, 1), expect.closeTo(1, 1)]);
  const poisson = many((random) => random.poisson(4));
  expect([mean(poisson), deviation(poisson) ** 2]).toEqual([expect.closeTo(4, 0), expect.closeTo(4, 0)]);
  const logs = many((random) => Math.log(random.logNormal(50, 0.5)));
  expect([mean(logs), deviation(logs)]).toEqual([expect.closeTo(Math.log(50), 1), expect.closeTo(0.5, 1)]);
});
