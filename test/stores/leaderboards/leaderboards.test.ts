import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { type Board, operators, type Season, type Submission } from '../../../src/domain/leaderboards/board';
import { orders, type RankEntry } from '../../../src/domain/leaderboards/ranking';
import { shardsOf } from '../../../src/domain/leaderboards/rankShards';
import { engines } from '../../../src/local/dynamodb';
import { BoardStore } from '../../../src/stores/leaderboards/boards';
import { ScoreStore } from '../../../src/stores/leaderboards/scores';
import { board } from '../../support/boards';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';

const submission = (over: Partial<Submission> = {}): Submission => ({
  submissionId: randomUUID(),
  playerId: 'ada',
  score: 10,
  subscore: 0,
  ...over,
});

describe.each(engines)('on %s', (engine) => {
  let dynamodb: TestDynamoDB;
  let scores: ScoreStore;
  let boards: BoardStore;
  beforeAll(async () => {
    dynamodb = await startTestDynamoDB(engine);
    scores = new ScoreStore(dynamodb.db);
    boards = new BoardStore(dynamodb.db);
  });
  afterAll(() => dynamodb?.stop());

  async function ranked(of: Board): Promise<RankEntry[]> {
    const all: RankEntry[] = [];
    for (const shard of shardsOf(of, 1)) for await (const page of scores.ranked(shard)) all.push(...page);
    return all;
  }

  it('a submission is one UpdateItem of one write unit, whatever the operator', async () => {
    for (const operator of operators) {
      const of = board({ operator, limits: { maxScore: 1_000, minScore: -1_000, maxChange: 100 } });
      for (let i = 1; i <= 24; i++) {
        const units = await dynamodb.unitsOf(() =>
          scores.submit(of, 1, submission({ score: i, name: 'Ada Lovelace', country: 'GB' }), i),
        );
        expect([dynamodb.calls.map((call) => call.operation), units]).toEqual([['UpdateItem'], { read: 0, write: 1 }]);
      }
      // The sets of remembered ids turn over: once in 24 the write is made again.
      const units = await dynamodb.unitsOf(() => scores.submit(of, 1, submission({ score: 30 }), 99));
      expect(dynamodb.calls).toHaveLength(2);
      expect(units.write).toBeLessThanOrEqual(2);
    }
  });

  it.each(operators)(
    '%s: what stands there is what applying each submission once, in order, gives',
    async (operator) => {
      const ids = fc.integer({ min: 0, max: 9 }).map(String);
      const sequence = fc.array(
        fc.record({
          submissionId: ids,
          score: fc.integer({ min: 0, max: 4 }),
          subscore: fc.integer({ min: 0, max: 1 }),
        }),
        { minLength: 1, maxLength: 30 },
      );
      await fc.assert(
        fc.asyncProperty(sequence, fc.constantFrom(...orders), async (all, order) => {
          const of = board({ operator, order, subscore: true, limits: { maxScore: 12, minScore: -12 } });
          const sign = order === 'descending' ? 1 : -1;
          const counted = new Set<string>();
          let is: { score: number; subscore: number; at: number } | undefined;
          for (const [at, given] of all.entries()) {
            const result = await scores.submit(of, 1, submission(given), at).catch((error: unknown) => error as Error);
            if (counted.has(given.submissionId)) {
              expect(result).toMatchObject({ status: 'repeated' });
              continue;
            }
            const delta = operator === 'increment' ? 1 : operator === 'decrement' ? -1 : 0;
            const next = delta
              ? {
                  score: (is?.score ?? 0) + delta * given.score,
                  subscore: (is?.subscore ?? 0) + delta * given.subscore,
                }
              : { score: given.score, subscore: given.subscore };
            if (Math.abs(next.score) > 12) {
              expect(result).toMatchObject({ type: 'invalid', detail: { faults: [{ field: 'score' }] } });
              continue;
            }
            const difference = is ? sign * (next.score - is.score || next.subscore - is.subscore) : 1;
            if (operator === 'best' && difference <= 0) {
              expect(result).toMatchObject({ status: 'unchanged' });
              continue;
            }
            counted.add(given.submissionId);
            const isSame = is !== undefined && is.score === next.score && is.subscore === next.subscore;
            if (!isSame || !is) is = { ...next, at };
            expect(result).toMatchObject({
              status: operator === 'set' && isSame ? 'unchanged' : 'applied',
              score: is.score,
              subscore: is.subscore,
            });
          }
          expect(await ranked(of)).toEqual(is ? [[is.score, is.subscore, is.at, 'ada']] : []);
        }),
        { numRuns: 5 },
      );
    },
  );

  it('of one submission sent many times at once one counts, and of many different ones all', async () => {
    const of = board({ operator: 'increment' });
    const same = submission({ score: 5 });
    const first = await Promise.all(Array.from({ length: 8 }, () => scores.submit(of, 1, same, 1)));
    expect(first.filter(({ status }) => status === 'applied')).toHaveLength(1);
    await Promise.all(Array.from({ length: 60 }, () => scores.submit(of, 1, submission({ score: 1 }), 2)));
    expect(await ranked(of)).toEqual([[65, 0, 2, 'ada']]);
  });

  it('a repetition is known for the 24 submissions after it, and two sets are all that is kept', async () => {
    const of = board({ operator: 'increment' });
    const first = submission({ score: 1 });
    await scores.submit(of, 1, first, 0);
    for (let i = 0; i < 24; i++) {
      await scores.submit(of, 1, submission({ score: 1 }), i);
      expect(await scores.submit(of, 1, first, i)).toMatchObject({ status: 'repeated' });
    }
    expect(await ranked(of)).toEqual([[25, 0, 23, 'ada']]);
  });

  it('limits: the first score is free of the maximum change, later ones are not, and say so', async () => {
    const of = board({ operator: 'set', limits: { maxChange: 10 } });
    await scores.submit(of, 1, submission({ score: 500 }), 1);
    await expect(scores.submit(of, 1, submission({ score: 511 }), 2)).rejects.toMatchObject({
      message: 'score must be within 10 of the player’s score, 500: this board’s maximum change',
    });
    expect(await scores.submit(of, 1, submission({ score: 510 }), 3)).toMatchObject({ status: 'applied', score: 510 });
    const sum = board({ operator: 'increment', limits: { maxScore: 10 } });
    await expect(scores.submit(sum, 1, submission({ score: 11 }), 1)).rejects.toMatchObject({
      message: 'score would make the player’s score 11; this board’s maximum score is 10',
    });
    expect(await ranked(sum)).toEqual([]);
  });

  it('the banned are not ranked and cannot submit; let back, they stand where they stood', async () => {
    const of = board();
    const now = Date.now();
    const season: Season = { number: 1, startsAt: now, graceMs: 0, status: 'open', revision: 0 };
    await boards.create(of.gameId, of, [season], []);
    await scores.submit(of, 1, submission({ score: 7 }), 1);
    const ban = { playerId: 'ada', reason: 'cheating', bannedBy: 'eva', at: now };
    expect(await boards.setBan(of.gameId, 'ada', ban, 0, [])).toBe(false);
    expect(
      await boards.setBan(of.gameId, 'ada', ban, 1, [{ season: 1, mark: scores.mark(of, 1, 'ada', true, now) }]),
    ).toBe(true);
    expect(await ranked(of)).toEqual([]);
    await expect(scores.submit(of, 1, submission(), 2)).rejects.toMatchObject({
      type: 'conflict',
      message: 'Player ada is banned from this board',
    });
    expect((await boards.bans(of.gameId, { limit: 10 })).items).toEqual([ban]);
    expect(await boards.carryBan(of.gameId, 'ada', scores.mark(of, 2, 'ada', true, now))).toBe(true);
    await boards.setBan(of.gameId, 'ada', null, 1, [{ season: 1, mark: scores.mark(of, 1, 'ada', false, now) }]);
    expect(await ranked(of)).toEqual([[7, 0, 1, 'ada']]);
    // Whoever still has it on the list marks nobody any more.
    expect(await boards.carryBan(of.gameId, 'ada', scores.mark(of, 2, 'ada', true, now))).toBe(false);
  });

  it('a closed season takes no write that is checked against its fence, and keeps its end', async () => {
    const of = board({ operator: 'increment' });
    const season: Season = { number: 1, startsAt: 0, endsAt: 1_000, graceMs: 0, status: 'open', revision: 0 };
    const fenced = (over: Partial<Submission> = {}) =>
      scores.submit(of, 1, submission({ score: 1, ...over }), 5, () => boards.endMarker(of.gameId, 1));
    expect(await boards.create(of.gameId, of, [season], [])).toBe(true);
    expect(await boards.create(of.gameId, of, [season], [])).toBe(false);
    const id = submission().submissionId;
    expect(await fenced({ submissionId: id })).toEqual({ status: 'applied', score: 1, subscore: 0 });
    expect(await fenced({ submissionId: id })).toMatchObject({ status: 'repeated' });
    expect(await boards.moveEnd(of.gameId, season, undefined, 2_000, [])).toBe(true);
    expect(await boards.moveEnd(of.gameId, season, undefined, 3_000, [])).toBe(false);
    // Writes and the closing race: each is either in or refused.
    const racing = Array.from({ length: 20 }, () =>
      fenced().then(
        () => 1,
        (error: { type?: string }) => (error.type === 'conflict' ? 0 : Promise.reject(error)),
      ),
    );
    const [tooEarly, closed] = [
      await boards.close(of.gameId, 1, 1_000, [], 9),
      await boards.close(of.gameId, 1, 2_000, [], 9).catch(() => 'busy'),
    ];
    expect(tooEarly).toBe(false);
    const inside = (await Promise.all(racing)).reduce<number>((sum, one) => sum + one, 0);
    if (closed === 'busy') expect(await boards.close(of.gameId, 1, 2_000, [], 9)).toBe(true);
    expect(await ranked(of)).toEqual([[1 + inside, 0, 5, 'ada']]);
    await expect(fenced()).rejects.toMatchObject({ type: 'conflict', message: 'The season is closed' });
    expect(await boards.close(of.gameId, 1, 2_000, [], 10)).toBe(true);
    expect(
      await boards.setBan(of.gameId, 'ada', null, 1, [{ season: 1, mark: scores.mark(of, 1, 'ada', false, 10) }]),
    ).toBe(false);
    expect(await boards.season(of.gameId, 1)).toMatchObject({ status: 'closing', closedAt: 9, endsAt: 2_000 });
  });
});
