import { LongwatchError } from '../../../src/domain/errors';
import type { Board, Season } from '../../../src/domain/leaderboards/board';
import { ranksToCheck, type RanksToCheckParts } from '../../../src/operations/leaderboards/ranksToCheck';
import { type Clock, systemClock } from '../../../src/timing/clock';

const NOW = 1_000;
const clock: Clock = { ...systemClock, now: () => NOW };
const season = (number: number, over: Partial<Season>) =>
  ({ number, startsAt: 0, graceMs: 0, status: 'open', revision: 0, ...over }) as Season;

/** Returns the parts for boards of two shards. The board `gone` cannot be read. */
const partsOf = (seasons: Record<string, Season[]>, skipped: string[] = []): RanksToCheckParts => ({
  boards: {
    read: async (gameId) => {
      if (gameId === 'gone') throw new LongwatchError('notFound', 'There is no board gone');
      return { gameId, order: 'descending', shards: 2 } as Board;
    },
  },
  store: {
    games: async () => ({ items: Object.keys(seasons) }),
    latestSeasons: async (gameId) => seasons[gameId] ?? [],
  },
  onSkipped: (what) => void skipped.push(what),
  clock,
});

it('the rankings of all shards of the seasons that have begun and are open are checked', async () => {
  const parts = partsOf({
    chess: [
      season(4, { startsAt: NOW + 1 }),
      season(3, { startsAt: NOW }),
      season(2, {}),
      season(1, { status: 'closing' }),
      season(0, { status: 'final' }),
    ],
  });
  const { shards } = await ranksToCheck(parts, 'chess', undefined);
  expect(shards.map(({ gameId, season: number, shard }) => [gameId, number, shard])).toEqual([
    ['chess', 3, 0],
    ['chess', 3, 1],
    ['chess', 2, 0],
    ['chess', 2, 1],
  ]);
});

it('a requested board that cannot be read fails the check with the reason', async () => {
  await expect(ranksToCheck(partsOf({}), 'gone', undefined)).rejects.toMatchObject({ type: 'notFound' });
});
