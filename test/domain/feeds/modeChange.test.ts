import { dueModeChange } from '../../../src/domain/feeds/modeChange';
import type { FeedSettings } from '../../../src/domain/feeds/settings';

const settings: FeedSettings = { threshold: 10, cap: 100, backfill: 5, trimEvery: 3, ranges: 4, bulkAbove: 1_000 };
const author = { userId: 'ada', mode: 'push', modeVersion: 3, followers: 10 } as const;

it('an author at the threshold keeps the mode', () => {
  expect(dueModeChange(author, settings, 7_000)).toEqual({});
});

it('an author above the threshold gets the next mode version, and a workflow for it', () => {
  const { turn, start } = dueModeChange({ ...author, followers: 11 }, settings, 7_000);
  expect(turn).toEqual({ direction: 'rising', at: 7_000 });
  expect(start?.args).toEqual([
    {
      turn: { authorId: 'ada', modeVersion: 4, direction: 'rising' },
      plan: { bulk: false, ranges: 1 },
      followers: 11,
    },
  ]);
});
