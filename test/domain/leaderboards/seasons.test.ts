import fc from 'fast-check';
import type { Season, SeasonPlan } from '../../../src/domain/leaderboards/board';
import { lastRewardedRank, type RewardRule, rewardsOf } from '../../../src/domain/leaderboards/rewards';
import { percentileOf } from '../../../src/domain/leaderboards/ranking';
import {
  currentSeason,
  faultOfMove,
  noSeason,
  seasonOf,
  seasonsToPlan,
} from '../../../src/domain/leaderboards/seasons';
import { iso } from '../../../src/domain/ids';

const at = (text: string): number => Date.parse(text);
const weekly: SeasonPlan = { recurrence: '0 0 * * 1', timeZone: 'Europe/Berlin', graceMs: 60_000 };
const season = (over: Partial<Season> = {}): Season => ({
  number: 1,
  startsAt: at('2026-03-02T00:00:00Z'),
  endsAt: at('2026-03-09T00:00:00Z'),
  graceMs: 60_000,
  status: 'open',
  revision: 0,
  ...over,
});

it('seasons follow the local clock over a change of summer time, without gap or overlap', () => {
  const planned = seasonsToPlan(weekly, undefined, at('2026-03-25T12:00:00Z'));
  expect(planned.map(({ number, startsAt, endsAt }) => [number, iso(startsAt), iso(endsAt!)])).toEqual([
    [1, '2026-03-25T12:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    [2, '2026-03-29T22:00:00.000Z', '2026-04-05T22:00:00.000Z'],
  ]);
  const winter = seasonsToPlan(weekly, undefined, at('2026-03-20T12:00:00Z'));
  expect(iso(winter[0]!.endsAt!)).toBe('2026-03-22T23:00:00.000Z');
});

it('there is always one season more than the one that runs, whenever and however often it is asked', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 * 24 * 40 }), { minLength: 1, maxLength: 10 }), (minutes) => {
      let now = at('2026-01-01T00:00:00Z');
      const all: Season[] = [];
      for (const wait of minutes) {
        for (;;) {
          const planned = seasonsToPlan(weekly, all.at(-1), now);
          // From wherever it is asked, the same.
          expect(seasonsToPlan(weekly, all.at(-1), now)).toEqual(planned);
          if (planned.length === 0) break;
          all.push(...planned);
        }
        expect(all.filter(({ startsAt }) => startsAt > now)).toHaveLength(1);
        expect(seasonOf(all, now)).toBeDefined();
        now += wait * 60_000;
      }
      for (const [i, { startsAt, number }] of all.entries())
        expect([number, startsAt]).toEqual([i + 1, i === 0 ? startsAt : all[i - 1]!.endsAt]);
    }),
    { numRuns: 40 },
  );
});

it('a board without seasons has one that never ends; one without recurrence has one that does', () => {
  const now = at('2026-01-01T00:00:00Z');
  const [forever] = seasonsToPlan(undefined, undefined, now);
  expect(forever).toEqual({ number: 1, startsAt: now, graceMs: 0, status: 'open', revision: 0 });
  expect(seasonsToPlan(undefined, forever, now * 2)).toEqual([]);
  const once: SeasonPlan = { endsAt: now + 1_000, timeZone: 'UTC', graceMs: 0 };
  const planned = seasonsToPlan(once, undefined, now);
  expect(planned).toMatchObject([{ number: 1, endsAt: now + 1_000 }]);
  expect(seasonsToPlan(once, planned[0], now + 2_000)).toEqual([]);
});

it(
  'a score belongs to the season of the server’s clock; in the grace to the one that it was reached in, if the ' +
    'game says so',
  () => {
    const first = season();
    const second = season({ number: 2, startsAt: first.endsAt!, endsAt: at('2026-03-16T00:00:00Z') });
    const of = (now: string, reached?: string) =>
      seasonOf([second, first], at(now), reached === undefined ? undefined : at(reached))?.number;
    expect(of('2026-03-08T23:59:59.999Z')).toBe(1);
    expect(of('2026-03-09T00:00:00Z')).toBe(2);
    expect(of('2026-03-09T00:00:30Z', '2026-03-08T23:59:00Z')).toBe(1);
    expect(of('2026-03-09T00:00:30Z', '2026-03-09T00:00:10Z')).toBe(2);
    expect(of('2026-03-09T00:01:00Z', '2026-03-08T23:59:00Z')).toBe(2);
    // What the game says never brings a score into a season that has yet to begin.
    expect(of('2026-03-08T23:00:00Z', '2026-03-10T00:00:00Z')).toBe(1);
    expect(of('2026-03-16T00:00:30Z')).toBeUndefined();
    expect(currentSeason([second, first], at('2026-04-01T00:00:00Z'))?.number).toBe(2);
  },
);

it('an end is moved only where every process hears of it in time, and not beyond the next season', () => {
  const next = season({ number: 2, startsAt: season().endsAt!, endsAt: at('2026-03-16T00:00:00Z') });
  const now = at('2026-03-05T00:00:00Z');
  const fault = (endsAt: number, over: Partial<Season> = {}, when = now) =>
    faultOfMove(season(over), next, endsAt, when, 70_000)?.message;
  expect(fault(now + 70_000)).toBeUndefined();
  expect(fault(at('2026-03-12T00:00:00Z'))).toBeUndefined();
  expect(fault(now + 69_999)).toContain('every process learns of it in time');
  expect(fault(next.endsAt!)).toContain('before the next season’s end');
  expect(fault(at('2026-03-12T00:00:00Z'), {}, season().endsAt! - 69_999)).toContain('too soon for every process');
  expect(fault(at('2026-03-12T00:00:00Z'), { status: 'closing' })).toBe('Season 1 is already closing');
});

it('rewards go to ranks and to shares, and nobody behind the last rewarded rank wins', () => {
  const rules: RewardRule[] = [
    { reward: 'gold', fromRank: 1, toRank: 1 },
    { reward: 'medal', fromRank: 2, toRank: 3 },
    { reward: 'badge', topPercent: 10 },
  ];
  expect([1, 3, 4, 5].map((rank) => rewardsOf(rules, rank, 40))).toEqual([
    ['gold', 'badge'],
    ['medal', 'badge'],
    ['badge'],
    [],
  ]);
  expect([lastRewardedRank(rules, 40), lastRewardedRank(rules, 2), lastRewardedRank([], 40)]).toEqual([4, 2, 0]);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 500 }),
      fc.double({ min: 0.01, max: 100, noNaN: true }),
      (players, topPercent) => {
        const share: RewardRule[] = [{ reward: 'badge', topPercent }];
        const winners = Array.from({ length: players }, (_, i) => rewardsOf(share, i + 1, players)).filter(
          ({ length }) => length > 0,
        ).length;
        expect(winners).toBe(lastRewardedRank(share, players));
        expect(winners).toBeGreaterThanOrEqual(1);
      },
    ),
  );
});

it('a percentile is the share of the others that one is ahead of', () => {
  expect([percentileOf(1, 1), percentileOf(1, 11), percentileOf(11, 11), percentileOf(6, 11)]).toEqual([
    100, 100, 0, 50,
  ]);
});

it('a submission between seasons is refused with the beginning of the next one', () => {
  const later = (number: number, startsAt: string) => season({ number, startsAt: at(startsAt) });
  const seasons = [later(3, '2026-05-01T00:00:00Z'), later(2, '2026-04-01T00:00:00Z'), season()];
  expect(noSeason(seasons, at('2026-03-20T00:00:00Z'))).toMatchObject({
    type: 'conflict',
    message: 'No season is running; the next one begins at 2026-04-01T00:00:00.000Z',
  });
  expect(noSeason([season()], at('2026-03-20T00:00:00Z')).message).toBe(
    'No season is running, and no further season is planned',
  );
});
