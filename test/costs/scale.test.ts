import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMeasured } from '../../scripts/costs/measured';
import { limitsOf, metAt } from '../../scripts/scale/limits';
import { scalePage, withComputed } from '../../scripts/scale/page';
import { OUTBOX_SHARDS } from '../../src/stores/platform/outbox';
import { readConfig } from '../../src/graph/config';
import { ceilings } from '../../scripts/scale/limits';

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'scale.md'), 'utf8');

it('docs/scale.md shows what the script computes (npm run scale -- --write)', () => {
  expect(withComputed(page, scalePage())).toBe(page);
});

it('each capability’s limits are listed in the order in which they are met', () => {
  for (const limits of Object.values(limitsOf(readMeasured()))) {
    const users = limits.map(metAt);
    expect(users.every((met) => met > 0 && Number.isFinite(met))).toBe(true);
    expect(users).toEqual([...users].sort((a, b) => a - b));
  }
});

it('a limit worked out by hand: a shard of the biggest board', () => {
  const first = limitsOf(readMeasured()).leaderboards.find(({ what }) => what.startsWith('a shard'));
  // 30 scores a month, half of them on one board, three times the average at peak: 1,000 a second.
  expect(metAt(first!)).toBeCloseTo((1_000 * 730 * 3_600) / (30 * 0.5 * 3), 0);
});

it('ceilings of ours are those of the code', () => {
  const config = readConfig({});
  expect(ceilings.ledgerPartitions).toBe(OUTBOX_SHARDS);
  expect(ceilings.sessionBuckets).toBe(config.LONGWATCH_SESSION_BUCKETS);
  expect(ceilings.rowsASecond).toBe(config.LONGWATCH_FEED_BULK_ROWS_PER_SECOND);
});
