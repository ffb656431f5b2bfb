import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  accountBill,
  actionsCost,
  billOf,
  type BillSettings,
  nothing,
  readPrices,
  sumOf,
} from '../../scripts/costs/bill';
import { capabilities, designsOf, rankUnits, standing } from '../../scripts/costs/designs';
import { readMeasured } from '../../scripts/costs/measured';
import { reportOf, reportText } from '../../scripts/costs/report';
import { defaultTraffic, noTraffic, type Traffic } from '../../scripts/costs/traffic';

const prices = readPrices();
const measured = readMeasured();
const onDemand: BillSettings = { capacity: 'on-demand', peak: 3, utilisation: 0.7 };

describe('prices, by examples worked out by hand', () => {
  it('actions go through the tiers: the example of Temporal’s own page', () => {
    // 5 M × $50 + 5 M × $45 + 1.25 M × $40
    expect(actionsCost(11_250_000, prices)).toBeCloseTo(525, 8);
    expect(actionsCost(0, prices)).toBe(0);
    // 250 + 225 + 400 + 1,050 + 1,500, and 150 M of the last tier at $25.
    expect(actionsCost(250_000_000, prices)).toBeCloseTo(3_425 + 3_750, 6);
  });

  it('histories cost by the gigabyte-hour: the example of Temporal’s own page', () => {
    expect(billOf({ ...nothing, activeGbHours: 720, retainedGbHours: 3_600 }, prices, onDemand).temporal).toBeCloseTo(
      34.02,
      8,
    );
  });

  it('the plan is the greater of its minimum and a tenth', () => {
    expect(accountBill(nothing, prices, onDemand)).toMatchObject({ plan: 500, total: 500, temporal: 0 });
    // 2.5 M actions are included; 202.5 M beyond that: 3,425 + 2.5 M × $25 … and nothing else.
    const { temporal, plan } = accountBill({ ...nothing, actions: 305_000_000 }, prices, onDemand);
    expect(temporal).toBeCloseTo(3_425 + 102.5 * 25 + 100 * 25, 6);
    expect(plan).toBeCloseTo(temporal / 10, 8);
  });

  it('DynamoDB on demand and provisioned', () => {
    expect(billOf({ ...nothing, writeUnits: 1e6, readUnits: 1e6, storedGb: 1 }, prices, onDemand).dynamodb).toBeCloseTo(
      0.625 + 0.125 + 0.25,
      10,
    );
    // A write a second on average, three at peak, at 75 %: 4 units × $0.00065 × 730 h.
    expect(
      billOf({ ...nothing, writeUnits: 730 * 3_600 }, prices, { capacity: 'provisioned', peak: 3, utilisation: 0.75 })
        .dynamodb,
    ).toBeCloseTo(1.898, 6);
  });

  it('Kinesis, S3 and SageMaker', () => {
    const bill = billOf(
      { ...nothing, shardHours: 730, putUnits: 1e6, archivedGb: 100, objectPuts: 1_000, instanceHours: 1_460 },
      prices,
      onDemand,
    );
    expect(bill).toMatchObject({
      kinesis: expect.closeTo(10.95 + 0.014, 8),
      s3: expect.closeTo(2.305, 8),
      sagemaker: expect.closeTo(167.9, 8),
    });
  });
});

describe('designs', () => {
  it('a workflow a session with a signal a request: 42 actions for 20 views', () => {
    const [, naive] = designsOf({ ...noTraffic, visits: 1, views: 20 }, measured).sessions;
    expect(naive?.usage.actions).toBe(1 + 20 * 2 + 1);
  });

  it('sweepers cost the same for one visit as for millions', () => {
    const actions = (visits: number) => designsOf({ ...defaultTraffic, visits }, measured).sessions[0].usage.actions;
    expect(actions(1)).toBe(actions(100_000_000));
    expect(actions(1)).toBe(4 * 12 * 730);
  });

  it('a cart costs what its history holds: 8 actions left alone, 6 ordered', () => {
    const actions = (orderedShare: number) =>
      designsOf({ ...noTraffic, carts: 1_000, orderedShare }, measured).carts[0].usage.actions;
    expect(actions(0)).toBe(8_000);
    expect(actions(1)).toBe(6_000);
  });

  it('an approved payment costs no action; a workflow a payment three', () => {
    const at = (payments: number) =>
      designsOf({ ...noTraffic, payments, caseShare: 0 }, measured).fraud.map(({ usage }) => usage.actions);
    const [ours = 0, theirs = 0] = at(1_000_000);
    expect(ours).toBe(at(0)[0]);
    expect(theirs - (at(0)[1] ?? 0)).toBe(3_000_000);
  });

  it('ranks cost less a change the more of them come together, and lie between what was measured', () => {
    const boards = measured.units.leaderboards.boards;
    expect(rankUnits(boards[0]!.players, 1, measured).change).toEqual(boards[0]!.rankedChange[0]!.units);
    expect(rankUnits(1_000_000, 1_000, measured).change).toEqual(boards.at(-1)!.rankedChange.at(-1)!.units);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000_000 }),
        fc.double({ min: 1, max: 10_000, noNaN: true }),
        fc.double({ min: 1, max: 10, noNaN: true }),
        (players, together, more) => {
          expect(rankUnits(players, together * more, measured).change.write).toBeLessThanOrEqual(
            rankUnits(players, together, measured).change.write + 1e-9,
          );
        },
      ),
    );
  });

  it('more traffic never costs less, in any design', () => {
    const volumes = [
      'visits',
      'views',
      'carts',
      'cartChanges',
      'cartReads',
      'players',
      'scores',
      'ranks',
      'seasons',
      'posts',
      'followers',
      'follows',
      'feedReads',
      'devices',
      'readings',
      'keepMonths',
      'payments',
      'caseShare',
      'instances',
    ] as const satisfies (keyof Traffic)[];
    const some = fc.record(
      Object.fromEntries(
        volumes.map((name) => [
          name,
          fc.double({ min: 0, max: name === 'caseShare' ? 1 : defaultTraffic[name] * 3, noNaN: true }),
        ]),
      ),
    );
    fc.assert(
      fc.property(
        some,
        fc.constantFrom(...volumes),
        fc.double({ min: 1, max: 5, noNaN: true }),
        fc.constantFrom('on-demand', 'provisioned'),
        (values, name, factor, capacity) => {
          const before = { ...defaultTraffic, ...values } as Traffic;
          const after = {
            ...before,
            [name]: name === 'caseShare' ? Math.min(1, before[name] * factor) : before[name] * factor,
          };
          const settings = { ...onDemand, capacity } as BillSettings;
          const [less, more] = [designsOf(before, measured), designsOf(after, measured)];
          for (const capability of capabilities)
            for (const [i, design] of less[capability].entries()) {
              const [a, b] = [
                billOf(design.usage, prices, settings).total,
                billOf(more[capability][i]!.usage, prices, settings).total,
              ];
              if (b < a - 1e-6)
                throw new Error(`${capability}, ${design.name}: ${a} with less, ${b} with more ${name}`);
            }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('no traffic costs what stands and nothing else: readers, sweepers, the relay, the endpoint', () => {
    const designs = designsOf(noTraffic, measured);
    const usage = sumOf(capabilities.map((capability) => designs[capability][0].usage));
    expect(usage).toMatchObject({
      writeUnits: 0,
      readUnits: 0,
      storedGb: 0,
      archivedGb: 0,
      putUnits: 0,
      shardHours: 0,
      activeGbHours: 0,
      instanceHours: 2 * 730,
    });
    // Three streams of tables with a shard each: four attempts and 180 heartbeats an hour. Four sweepers, twelve looks
    // an hour.
    expect(usage.actions).toBe(3 * 184 * 730 + 4 * 12 * 730);
    const rest = standing(measured);
    expect(rest.actions).toBe(184 * 730);
    expect(rest.readUnits).toBe(measured.units.restAnHour.read * 730);
  });
});

it('the report names every design, Longwatch first, and its total is the sum of its parts', () => {
  const report = reportOf(defaultTraffic, onDemand, prices, measured);
  for (const { designs } of report.capabilities) {
    expect(designs[0]).toMatchObject({ name: expect.stringMatching(/^Longwatch/), timesLongwatch: 1 });
    expect(designs.length).toBeGreaterThan(1);
    for (const { bill } of designs)
      expect(bill.total).toBeCloseTo(bill.dynamodb + bill.temporal + bill.kinesis + bill.s3 + bill.sagemaker, 6);
  }
  const text = reportText(report);
  for (const { designs } of report.capabilities) for (const { name } of designs) expect(text).toContain(name);
});

it('docs/costs.md shows what npm run costs says', () => {
  const page = readFileSync(join(__dirname, '..', '..', 'docs', 'costs.md'), 'utf8');
  expect(page).toContain(
    reportText(reportOf(defaultTraffic, { capacity: 'on-demand', peak: 3, utilisation: 0.7 }, prices, measured)),
  );
});
