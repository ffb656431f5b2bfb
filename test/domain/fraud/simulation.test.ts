import { DAY_MS } from '../../../src/domain/fraud/profile';
import { scenarios, simulate, type SimulatedTransaction } from '../../../src/domain/fraud/simulation';
import { transactionSchema } from '../../../src/domain/fraud/transactionSchema';
import { iso } from '../../../src/domain/ids';
import { START } from './arbitraryTransactions';

const settings = { seed: 7, customers: 150, merchants: 60, days: 60, start: START, fraudRate: 0.004 };

describe('the simulation', () => {
  const simulated = [...simulate(settings)];
  const frauds = simulated.filter(({ fraud }) => fraud);
  const of = (scenario: SimulatedTransaction['scenario']) => frauds.filter((each) => each.scenario === scenario);

  it('is the same for the same seed, and another for another', () => {
    expect([...simulate(settings)]).toEqual(simulated);
    expect([...simulate({ ...settings, seed: 8 })].slice(0, 20)).not.toEqual(simulated.slice(0, 20));
  });

  it('goes forward in time, from the far east to the far west, with an id of its own for each payment', () => {
    const times = simulated.map(({ transaction }) => transaction.timestamp);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThan(START - DAY_MS);
    expect(times.at(-1)).toBeLessThan(START + (settings.days + 1) * DAY_MS);
    expect(new Set(simulated.map(({ transaction }) => transaction.transactionId)).size).toBe(simulated.length);
  });

  it('makes payments that the API takes', () => {
    for (const { transaction } of simulated.slice(0, 500))
      expect(() => transactionSchema.parse({ ...transaction, timestamp: iso(transaction.timestamp) })).not.toThrow();
  });

  it('has frauds of every kind, few among the genuine payments', () => {
    for (const scenario of scenarios) expect(of(scenario).length).toBeGreaterThan(0);
    expect(frauds.length / simulated.length).toBeLessThan(0.1);
    expect(simulated.every(({ fraud, scenario }) => fraud === (scenario !== undefined))).toBe(true);
  });

  it('tests stolen cards with many small amounts before it uses them', () => {
    const small = of('card-testing').filter(({ transaction }) => transaction.amount <= 300);
    expect(small.length).toBeGreaterThan(of('card-testing').length / 2);
  });

  it('takes accounts over on devices that their owners never had', () => {
    const owned = new Set(simulated.filter(({ fraud }) => !fraud).map(({ transaction }) => transaction.deviceId));
    expect(of('account-takeover').every(({ transaction }) => !owned.has(transaction.deviceId))).toBe(true);
  });

  it('keeps two runs apart by the prefix of all ids', () => {
    const [first] = simulate({ ...settings, prefix: 'demo-' });
    expect(first?.transaction).toMatchObject({
      transactionId: expect.stringMatching(/^demo-/),
      userId: expect.stringMatching(/^demo-/),
      merchantId: expect.stringMatching(/^demo-/),
    });
  });
});
