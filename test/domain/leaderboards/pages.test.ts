import { rankCheckPage } from '../../../src/domain/leaderboards/pages';

it('a rank check reports its counts, and the rankings that it had to leave out', () => {
  const counts = { shards: 3, players: 40, differences: 2, replaced: 1 };
  const page = '**3** rankings of **40** players checked: **2** players had a wrong rank, **1** rankings replaced.';
  expect(rankCheckPage(counts)).toBe(page);
  expect(rankCheckPage({ ...counts, skipped: 1 })).toContain('**1** could not be checked');
});
