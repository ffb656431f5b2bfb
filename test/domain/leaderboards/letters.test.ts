import { rankCheckNotice, rewardLetter } from '../../../src/domain/leaderboards/letters';

it('a player learns the rank and the rewards of a season, in one message with one id', () => {
  expect(
    rewardLetter('chess', { number: 4, closedAt: 5_000 }, { playerId: 'ada', rank: 2 }, ['silver', 'top ten']),
  ).toEqual({
    id: 'reward.chess.4.ada',
    recipient: 'ada',
    subject: 'chess: you finished season 4 at rank 2',
    text: 'You have won: silver, top ten.',
    at: 5_000,
  });
});

it('the supervisors get one notice for each check, which names the workflow and has no Markdown', () => {
  const { id, recipient, subject, text, at } = rankCheckNotice(
    { shards: 3, players: 40, differences: 2, replaced: 1 },
    { workflowId: 'rank-check', firstExecutionRunId: 'run-1', startTime: new Date(7_000) },
  );
  expect([id, recipient, at]).toEqual(['rank-check.run-1', 'team/supervisors', 7_000]);
  expect(subject).toContain('2 players had a wrong rank');
  expect(text).toContain('2 players had a wrong rank, 1 rankings replaced. The workflow rank-check found an error');
});
