import type { Demo } from './scene';

const SEASON_SECONDS = 12;
const PLAYERS = 60;

const demonstration: Demo = {
  name: 'leaderboards',
  says: 'Exact ranks, and a season that ends',
  seconds: 20,
  async run(scene) {
    const gameId = `demo-${scene.run}`;
    const board = `/v1/boards/${gameId}`;
    const endsAt = new Date(Date.now() + SEASON_SECONDS * 1_000).toISOString();
    scene.say(`A board whose season ends in ${SEASON_SECONDS} seconds, with a reward for the first three players.`);
    await scene.show(
      'PUT',
      board,
      { body: { operator: 'best', seasons: { endsAt }, rewards: [{ reward: 'gold-skin', fromRank: 1, toRank: 3 }] } },
      () => `season 1, until ${endsAt.slice(11, 19)}`,
    );

    scene.say(`${PLAYERS} players submit scores; one submission is sent twice.`);
    const scores = Array.from({ length: PLAYERS }, (_, i) => ({
      submissionId: 'run-1',
      playerId: `player-${i + 1}`,
      score: ((i * 7_919) % 10_000) + 1,
    }));
    await scene.show(
      'POST',
      `${board}/scores`,
      { body: { scores } },
      ({ body }) => `${body.results.filter(({ status }: { status: string }) => status === 'applied').length} applied`,
    );
    await scene.show('POST', `${board}/scores`, { body: scores[0] }, ({ body }) => body.results[0].status);
    const all = await scene.until(
      'the stream reader has ranked all of them',
      () => scene.call('GET', `${board}/top?limit=3`),
      ({ body }) => body.players === PLAYERS,
      { aboutSeconds: 1 },
    );
    await scene.show('GET', `${board}/top?limit=3`, {}, ({ body }) =>
      body.entries
        .map(
          ({ rank, playerId, score }: { rank: number; playerId: string; score: number }) =>
            `${rank}. ${playerId} ${score}`,
        )
        .join(', '),
    );
    await scene.show(
      'GET',
      `${board}/players/player-30?around=1`,
      {},
      ({ body }) => `rank ${body.rank} of ${body.players}, better than ${Math.round(body.percentile)} %`,
    );

    scene.say(
      'The season’s workflow waits for the end, closes the season, writes the standings and grants each reward once.',
    );
    scene.look('The workflow of the season:', `season/${gameId}/1`);
    await scene.until(
      'the season ends and its standings are final',
      () => scene.call('GET', `${board}/seasons/1/standings?limit=3`, { expect: [200, 409] }),
      ({ status }) => status === 200,
      { aboutSeconds: SEASON_SECONDS + 4 },
    );
    await scene.show('GET', `${board}/seasons/1/standings?limit=3`, {}, ({ body }) =>
      body.entries.map(({ rank, playerId }: { rank: number; playerId: string }) => `${rank}. ${playerId}`).join(', '),
    );
    const rewards = await scene.until(
      'the rewards are granted',
      () => scene.call('GET', `${board}/seasons/1/rewards`),
      ({ body }) => body.items.length === 3,
      { aboutSeconds: 2 },
    );
    const items = rewards.body.items as { playerId: string; rewards: string[] }[];
    const winners = items.map(({ playerId, rewards: won }) => `${playerId} ${won.join(' and ')}`);
    console.log(`    GET ${board}/seasons/1/rewards: ${winners.join(', ')}`);
    await scene.show(
      'POST',
      `${board}/scores`,
      { body: { ...scores[0], submissionId: 'too-late', score: 99_999 }, expect: [409] },
      ({ body }) => body.detail,
    );
    return `${all.body.players} players ranked exactly; the season ended on time with 3 rewards`;
  },
};

export const demo = (): Demo => demonstration;
