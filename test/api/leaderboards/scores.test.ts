import fc from 'fast-check';
import { orders } from '../../../src/domain/leaderboards/ranking';
import { boardApi } from '../../support/boards';
import { startTestGraph, type TestGraph } from '../../support/graph';

let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ LONGWATCH_CAPABILITIES: 'leaderboards' });
});
afterAll(() => graph?.stop());

async function newBoard(definition: object = { operator: 'best' }) {
  const api = boardApi(graph);
  await api.put('', definition).expect(201);
  return api;
}
const ids = (entries: { playerId: string }[]) => entries.map(({ playerId }) => playerId);

describe('boards', () => {
  it.each([
    ['an unknown operator', { operator: 'worst' }, 'operator', 'must be one of best, set, increment, decrement'],
    ['too many shards', { operator: 'best', shards: 65 }, 'shards', 'must be a whole number from 1 to 64'],
    [
      'a recurrence that is none',
      { operator: 'best', seasons: { recurrence: 'weekly' } },
      'seasons.recurrence',
      'must be a cron expression of five fields',
    ],
    [
      'a time zone that is none',
      { operator: 'best', seasons: { recurrence: '0 0 * * 1', timeZone: 'Berlin' } },
      'seasons.timeZone',
      'must be an IANA time zone',
    ],
    ['seasons without an end', { operator: 'best', seasons: {} }, 'seasons', 'must have a recurrence, an end, or both'],
    [
      'an end before the beginning',
      { operator: 'best', seasons: { startsAt: '2027-01-02T00:00:00Z', endsAt: '2027-01-01T00:00:00Z' } },
      'seasons.endsAt',
      'must be after startsAt',
    ],
    [
      'limits that leave no score',
      { operator: 'best', limits: { minScore: 5, maxScore: 4 } },
      'limits.maxScore',
      'must not be below minScore',
    ],
    [
      'ranks the wrong way round',
      { operator: 'best', rewards: [{ reward: 'gold', fromRank: 3, toRank: 1 }] },
      'rewards[0].toRank',
      'must not be before fromRank',
    ],
    ['a field too many', { operator: 'best', colour: 'red' }, '', 'has unknown fields: colour'],
  ])('%s is refused by name', async (_, definition, field, message) => {
    const { body, status } = await boardApi(graph).put('', definition);
    expect([status, body.errors]).toEqual([400, [{ field, message: expect.stringContaining(message) }]]);
  });

  it('is made once, changed by its version, and keeps how scores count', async () => {
    const api = await newBoard({ operator: 'best', limits: { maxScore: 10 } });
    expect((await api.put('', { operator: 'best' })).status).toBe(412);
    expect((await api.put('', { operator: 'set' }, { 'if-match': '"1"' })).body.detail).toContain(
      'operator of a board cannot change',
    );
    const changed = await api
      .put('', { operator: 'best', limits: { maxScore: 20 } }, { 'if-match': '"1"' })
      .expect(200);
    expect(changed.headers['etag']).toBe('"2"');
    expect((await api.put('', { operator: 'best' }, { 'if-match': '"1"' })).status).toBe(412);
    expect((await api.get('')).body).toMatchObject({
      version: 2,
      limits: { maxScore: 20 },
      order: 'descending',
      shards: 1,
    });
    expect((await api.score('ada', 15)).body.results[0]).toMatchObject({ status: 'applied', score: 15, season: 1 });
    expect((await boardApi(graph).get('')).status).toBe(404);
    expect((await boardApi(graph).score('ada', 1)).status).toBe(404);
  });
});

describe('submissions', () => {
  it('name the faulty field of each, and write nothing', async () => {
    const api = await newBoard();
    const { body, status } = await api.post('/scores', {
      scores: [
        { submissionId: 'a', playerId: 'x', score: 1 },
        { submissionId: 'b/c', playerId: 'x', score: 1.5, country: 'Germany' },
      ],
    });
    expect(status).toBe(400);
    expect(body.errors.map(({ field }: { field: string }) => field)).toEqual([
      'scores[1].submissionId',
      'scores[1].score',
      'scores[1].country',
    ]);
    await api.rank();
    expect((await api.get('/top')).body).toMatchObject({ players: 0, entries: [], asOf: null });
  });

  it('of a batch are each taken or refused on its own, with the reason; a player’s in order', async () => {
    const api = await newBoard({ operator: 'increment', limits: { maxScore: 100, maxChange: 60 } });
    const of = (submissionId: string, playerId: string, score: number) => ({ submissionId, playerId, score });
    const { body } = await api
      .post('/scores', {
        scores: [of('1', 'a', 60), of('2', 'a', 50), of('3', 'b', 61), of('1', 'a', 60), of('4', 'a', 40)],
      })
      .expect(200);
    expect(body.results).toMatchObject([
      { submissionId: '1', status: 'applied', score: 60 },
      {
        status: 'refused',
        error: {
          type: 'invalid',
          detail: 'score would make the player’s score 110; this board’s maximum score is 100',
          errors: [{ field: 'score' }],
        },
      },
      { status: 'refused', error: { detail: 'score must be at most 60, this board’s maximum change' } },
      { status: 'repeated', score: 60 },
      { status: 'applied', score: 100 },
    ]);
    const alone = await api.post('/scores', of('5', 'b', 61));
    expect([alone.status, alone.body.errors]).toEqual([
      400,
      [{ field: 'score', message: 'must be at most 60, this board’s maximum change' }],
    ]);
  });

  it('cost one UpdateItem, whatever the season has left', async () => {
    const api = await newBoard({ operator: 'best', seasons: { recurrence: '0 0 1 * *', timeZone: 'Europe/Berlin' } });
    await api.score('ada', 1);
    expect(await graph.callsOf(() => api.score('ada', 2))).toEqual({ UpdateItem: 1 });
  });
});

it.each(orders)(
  '%s: pages, ranks, neighbours, percentiles and friends are those of a sorted list and agree with one another',
  async (order) => {
    const submission = fc.record({
      player: fc.integer({ min: 0, max: 25 }),
      score: fc.integer({ min: 0, max: 5 }),
      ban: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(submission, { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 4 }),
        async (submissions, shards) => {
          const api = await newBoard({ operator: 'set', order, shards });
          const oracle = new Map<string, { playerId: string; score: number; seq: number }>();
          const banned = new Set<string>();
          for (const [seq, { player, score, ban }] of submissions.entries()) {
            const playerId = `p${player}`;
            if (ban) {
              if (banned.delete(playerId)) await api.remove(`/bans/${playerId}`).expect(204);
              else {
                await api.put(`/bans/${playerId}`, { reason: 'cheating' }).expect(204);
                banned.add(playerId);
              }
              continue;
            }
            const { status, body } = await api.score(playerId, score, { name: `Player ${player}`, country: 'DE' });
            if (banned.has(playerId))
              expect([status, body.detail]).toEqual([409, `Player ${playerId} is banned from this board`]);
            else if (oracle.get(playerId)?.score !== score) oracle.set(playerId, { playerId, score, seq });
            // The clock has milliseconds only; two in the same one are ranked by id, which the oracle does not know.
            await new Promise((resolve) => setTimeout(resolve, 2));
            if (seq % 20 === 10) await api.rank();
          }
          await api.rank();
          const sign = order === 'descending' ? -1 : 1;
          const sorted = [...oracle.values()]
            .filter(({ playerId }) => !banned.has(playerId))
            .sort((a, b) => sign * (a.score - b.score) || a.seq - b.seq);
          const pages: { rank: number; playerId: string; score: number }[] = [];
          let cursor: string | undefined;
          const versions = new Set<number>();
          do {
            const { body } = await api.get(`/top?limit=7${cursor ? `&cursor=${cursor}` : ''}`).expect(200);
            pages.push(...body.entries);
            versions.add(body.version);
            expect(body.players).toBe(sorted.length);
            cursor = body.cursor;
          } while (cursor);
          expect(versions.size).toBe(1);
          expect(pages).toMatchObject(
            sorted.map(({ playerId, score }, i) => ({
              rank: i + 1,
              playerId,
              score,
              name: `Player ${playerId.slice(1)}`,
              country: 'DE',
            })),
          );
          for (const playerId of ['p0', 'p7', 'p25']) {
            const { body, status } = await api.get(`/players/${playerId}?around=3`);
            const at = sorted.findIndex((one) => one.playerId === playerId);
            if (at < 0) expect(status).toBe(404);
            else {
              expect(body).toMatchObject({ rank: at + 1, playerId, players: sorted.length });
              expect(body.around).toEqual(pages.slice(Math.max(0, at - 3), at + 4));
              expect(body.percentile).toBeCloseTo(
                sorted.length === 1 ? 100 : ((sorted.length - at - 1) / (sorted.length - 1)) * 100,
                1,
              );
            }
          }
          const { body: friends } = await api.post('/friends', { players: ['p3', 'p1', 'p7', 'nobody'] });
          const expected = pages.filter(({ playerId }) => ['p1', 'p3', 'p7'].includes(playerId));
          expect(friends.entries).toEqual(expected.map((entry, i) => ({ place: i + 1, ...entry })));
        },
      ),
      { numRuns: 4 },
    );
  },
);

it('a subscore decides between equal scores, and the first to reach both is ahead', async () => {
  const api = await newBoard({ operator: 'best', subscore: true });
  await api.score('first', 10, { subscore: 3 });
  await api.score('more', 10, { subscore: 4 });
  await api.score('later', 10, { subscore: 3 });
  expect((await api.score('more', 10, { subscore: 2 })).body.results[0]).toMatchObject({
    status: 'unchanged',
    subscore: 4,
  });
  await api.rank();
  expect(ids((await api.get('/top')).body.entries)).toEqual(['more', 'first', 'later']);
  const { body } = await (await newBoard()).score('ada', 1, { subscore: 1 });
  expect(body.errors).toEqual([{ field: 'subscore', message: 'must be left out: this board has none' }]);
});

it('an answer is of one state, says of when, and costs a handful of reads', async () => {
  const api = await newBoard({ operator: 'best' });
  const before = Date.now();
  for (let from = 0; from < 900; from += 100)
    await api
      .post('/scores', {
        scores: Array.from({ length: 100 }, (_, i) => ({
          submissionId: 'x',
          playerId: `p${from + i}`,
          score: from + i,
        })),
      })
      .expect(200);
  await api.rank();
  const { body } = await api.get('/players/p450?around=2');
  expect(Date.parse(body.asOf)).toBeGreaterThanOrEqual(before);
  expect([body.rank, body.percentile, ids(body.around)]).toEqual([
    450,
    50.06,
    ['p452', 'p451', 'p450', 'p449', 'p448'],
  ]);
  // Nodes that were read once never change: only the head is read again, and every few seconds the board.
  const calls = () => graph.callsOf(() => api.get('/players/p450?around=2'));
  expect([await calls(), await calls(), await calls()]).toContainEqual({ BatchGetItem: 1 });
  expect((await api.get('/top?cursor=bm9uZQ')).body.errors).toEqual([
    { field: 'cursor', message: 'is damaged or no longer valid; start again without cursor' },
  ]);
});

it('a season that has yet to begin takes no score, and says when it will; its end can move while it runs', async () => {
  const hour = 3_600_000;
  const second = Math.floor(Date.now() / 1000) * 1000;
  const at = (inHours: number) => new Date(second + inHours * hour).toISOString();
  const early = await newBoard({ operator: 'best', seasons: { startsAt: at(1), endsAt: at(2) } });
  expect((await early.score('ada', 1)).body.detail).toBe(`No season is running; the next one begins at ${at(1)}`);
  const api = await newBoard({
    operator: 'best',
    seasons: { endsAt: at(1), recurrence: '0 0 1 1 *', graceSeconds: 60 },
  });
  const list = async () => (await api.get('/seasons')).body.items;
  expect(await list()).toMatchObject([
    { number: 2, startsAt: at(1) },
    { number: 1, endsAt: at(1), status: 'open', graceSeconds: 60 },
  ]);
  await api.put('/seasons/1', { endsAt: at(3) }).expect(200);
  expect(await list()).toMatchObject([
    { number: 2, startsAt: at(3) },
    { number: 1, endsAt: at(3) },
  ]);
  const soon = await api.put('/seasons/1', { endsAt: at(0) });
  expect([soon.status, soon.body.errors]).toEqual([
    400,
    [{ field: 'endsAt', message: expect.stringContaining('so that every process learns of it in time') }],
  ]);
  expect((await api.put('/seasons/1', { endsAt: '2099-01-01T00:00:00Z' })).body.detail).toContain(
    'must be before the next season’s end',
  );
  expect((await api.put('/seasons/7', { endsAt: at(3) })).status).toBe(404);
  expect((await api.get('/seasons/1/standings')).status).toBe(409);
  expect((await api.get('/top?season=9')).status).toBe(404);
});
