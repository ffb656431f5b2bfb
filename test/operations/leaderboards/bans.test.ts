import { shardsOf } from '../../../src/domain/leaderboards/rankShards';
import { Boards } from '../../../src/operations/leaderboards/boards';
import { BoardStore } from '../../../src/stores/leaderboards/boards';
import { ScoreStore } from '../../../src/stores/leaderboards/scores';
import { newGame } from '../../support/boards';
import { FakeClock } from '../../support/clock';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { outboxOf } from '../../support/outbox';

const MINUTE_MS = 60_000;

let dynamodb: TestDynamoDB;
beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
});
afterAll(() => dynamodb?.stop());

it('a ban reaches every season that is not closed, also with more of them than one query reads', async () => {
  const { db } = dynamodb;
  const scores = new ScoreStore(db);
  const clock = new FakeClock(Date.parse('2026-11-28T12:00:30Z'));
  const parts = { boards: new BoardStore(db), scores, outbox: outboxOf(db), clock, onFault: () => undefined };
  const boards = new Boards(parts, { fenceMs: 1_000 });
  const gameId = newGame();
  const seasons = { recurrence: '* * * * *', timeZone: 'UTC', graceMs: 10 * MINUTE_MS };
  await boards.put(
    gameId,
    { operator: 'best', order: 'descending', subscore: false, shards: 1, limits: {}, rewards: [], seasons },
    undefined,
  );
  // One score in each of seven seasons. None is closed: each is in its grace period.
  for (let season = 1; season <= 7; season++) {
    expect((await boards.seasonOf(gameId, undefined)).season).toBe(season);
    const { board } = await boards.view(gameId);
    await scores.submit(
      board,
      season,
      { submissionId: `s-${season}`, playerId: 'ada', score: 1, subscore: 0 },
      clock.now(),
    );
    clock.time += MINUTE_MS;
  }
  const { board, seasons: latest } = await boards.view(gameId);
  expect(latest.filter(({ status }) => status === 'open').map(({ number }) => number)).toEqual(
    expect.arrayContaining([1, 2, 3, 4, 5, 6, 7]),
  );
  const rankedIn = async () => {
    const found: number[] = [];
    for (let season = 1; season <= 7; season++)
      for (const shard of shardsOf(board, season))
        for await (const page of scores.ranked(shard)) if (page.length > 0) found.push(season);
    return found;
  };
  expect(await rankedIn()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  await boards.setBan(gameId, 'ada', { reason: 'cheating', bannedBy: 'eva' });
  expect(await rankedIn()).toEqual([]);
  await boards.setBan(gameId, 'ada', null);
  expect(await rankedIn()).toEqual([1, 2, 3, 4, 5, 6, 7]);
});
