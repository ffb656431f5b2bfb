import type { Random } from '../../../src/domain/fraud/random';
import { parseBoardSeason } from '../../../src/domain/leaderboards/rankShards';
import { capability, type Reader, type Violation } from './capability';
import { possibleSums } from './journal';

const PLAYERS = Array.from({ length: 40 }, (_, i) => `player-${i + 1}`);

interface Game {
  gameId: string;
  operator: 'best' | 'increment';
  order: 'descending' | 'ascending';
  shards: number;
  /** Its first season ends in the middle of the run. */
  ends: boolean;
}

const games: readonly Game[] = [
  { gameId: 'highest', operator: 'best', order: 'descending', shards: 2, ends: false },
  { gameId: 'quickest', operator: 'best', order: 'ascending', shards: 1, ends: false },
  { gameId: 'longest', operator: 'increment', order: 'descending', shards: 3, ends: false },
  { gameId: 'cup', operator: 'increment', order: 'descending', shards: 2, ends: true },
];
const REWARDED = 3;

interface Submitted {
  score: number;
  /** Of the acknowledgement. */
  season?: number;
}

interface Journal {
  /** By `game/player`. */
  submitted: Map<string, Submitted[]>;
  /** The cup's. */
  endsAt: number;
}

interface Ranked {
  rank: number;
  playerId: string;
  score: number;
  achievedAt: string;
}

/** Scores, ranks and a season's end. */
export const leaderboards = capability<Journal>({
  name: 'leaderboards',
  lanes: 2,
  pauseMs: 120,

  async prepare(caller, { durationMs }) {
    const endsAt = Math.ceil((Date.now() + Math.max(15_000, durationMs / 2)) / 1_000) * 1_000;
    for (const { gameId, operator, order, shards, ends } of games) {
      const season = {
        seasons: { endsAt: new Date(endsAt).toISOString(), recurrence: '0 0 1 1 *' },
        rewards: [{ reward: 'medal', fromRank: 1, toRank: REWARDED }],
      };
      const told = await caller.send({
        method: 'put',
        path: `/v1/boards/${gameId}`,
        body: { operator, order, shards, ...(ends && season) },
      });
      if (told.kind !== 'acknowledged') throw new Error(`The board ${gameId} could not be put`);
    }
    return { submitted: new Map(), endsAt };
  },

  async operate(caller, random, { submitted }, id) {
    const scores = Array.from({ length: random.chance(0.2) ? random.integer(2, 6) : 1 }, (_, i) =>
      submission(random, `${id}-${i}`),
    );
    const { gameId } = random.pick(games);
    const noted = scores.map(({ playerId, score }) => {
      const one: Submitted = { score };
      const key = `${gameId}/${playerId}`;
      submitted.set(key, [...(submitted.get(key) ?? []), one]);
      return one;
    });
    const told = await caller.send({ method: 'post', path: `/v1/boards/${gameId}/scores`, body: { scores } });
    if (told.kind !== 'acknowledged') return;
    for (const [i, result] of (told.body.results as { status: string; season?: number }[]).entries())
      if (result.status !== 'refused') (noted[i] as Submitted).season = result.season ?? 1;
  },

  async verify(reader, journal) {
    const verdicts = await Promise.all(games.map((game) => verifyGame(reader, journal, game)));
    return {
      verified: verdicts.reduce((sum, { verified }) => sum + verified, 0),
      violations: verdicts.flatMap(({ violations }) => violations),
    };
  },
});

const submission = (random: Random, submissionId: string) => ({
  submissionId,
  playerId: random.pick(PLAYERS),
  score: random.integer(1, 500),
});

async function verifyGame(
  reader: Reader,
  { submitted, endsAt }: Journal,
  game: Game,
): Promise<{ verified: number; violations: Violation[] }> {
  const { gameId } = game;
  const violations: Violation[] = [];
  let verified = 0;
  const seasons = game.ends && Date.now() > endsAt ? [1, 2] : [1];
  for (const season of seasons) {
    const isOver = seasons.length > 1 && season === 1;
    const ranked = isOver
      ? await pages(reader, `/v1/boards/${gameId}/seasons/1/standings`)
      : await pages(reader, `/v1/boards/${gameId}/top?season=${season}`);
    const scores = new Map(ranked.map(({ playerId, score }) => [playerId, score]));
    for (const playerId of PLAYERS) {
      const all = submitted.get(`${gameId}/${playerId}`) ?? [];
      const certain = all.filter((one) => one.season === season);
      verified += certain.length;
      const perhaps = all.filter((one) => one.season === undefined);
      const found = scores.get(playerId);
      if (!isPossible(game, certain, perhaps, found))
        violations.push({
          operation: `score of ${playerId} in ${gameId}, season ${season}`,
          acknowledged:
            `${game.operator} of ` +
            `${certain.map(({ score }) => score).join(', ') || 'nothing'}` +
            `${perhaps.length > 0 ? `, and perhaps ${perhaps.map(({ score }) => score).join(', ')}` : ''}`,
          found: String(found ?? 'not ranked'),
        });
    }
    violations.push(...(await wrongOrder(reader, game, season, ranked, isOver)));
  }
  return { verified, violations };
}

function isPossible(
  { operator, order }: Game,
  certain: readonly Submitted[],
  perhaps: readonly Submitted[],
  found: number | undefined,
): boolean {
  if (found === undefined) return certain.length === 0;
  const numbers = (list: readonly Submitted[]) => list.map(({ score }) => score);
  if (operator === 'increment')
    return possibleSums(
      numbers(certain).reduce((sum, one) => sum + one, 0),
      numbers(perhaps),
    ).has(found);
  const better = (a: number, b: number) => (order === 'descending' ? a >= b : a <= b);
  return numbers([...certain, ...perhaps]).includes(found) && numbers(certain).every((one) => better(found, one));
}

function isOf(key: unknown, gameId: string, season: number): boolean {
  const shard = parseBoardSeason(key);
  return shard?.gameId === gameId && shard.season === season;
}

/** Ranks against a sort of all scores in the table, whoever asks for them. */
async function wrongOrder(
  reader: Reader,
  { gameId, order }: Game,
  season: number,
  ranked: readonly Ranked[],
  isOver: boolean,
): Promise<Violation[]> {
  const violations: Violation[] = [];
  const wrong = (operation: string, acknowledged: unknown, found: unknown) =>
    violations.push({
      operation: `${operation} of ${gameId}, season ${season}`,
      acknowledged: JSON.stringify(acknowledged),
      found: JSON.stringify(found),
    });
  const direction = order === 'descending' ? -1 : 1;
  const rows = (await reader.scan('Leaderboard')).filter(
    (item) => item['Score'] !== undefined && isOf(item['BoardSeason'], gameId, season),
  );
  const sorted = rows
    .map((item) => ({
      playerId: String(item['PlayerID']),
      score: Number(item['Score']),
      at: Number(item['AchievedAt']),
    }))
    .sort((a, b) => direction * (a.score - b.score) || a.at - b.at || (a.playerId < b.playerId ? -1 : 1));
  const expected = sorted.map(({ playerId, score }, i) => ({ rank: i + 1, playerId, score }));
  const found = ranked.map(({ rank, playerId, score }) => ({ rank, playerId, score }));
  if (JSON.stringify(found) !== JSON.stringify(expected)) wrong('order', expected, found);
  if (isOver) {
    const { items } = await reader.get<{ items: { rank: number; playerId: string }[] }>(
      `/v1/boards/${gameId}/seasons/${season}/rewards`,
    );
    const granted = items.map(({ rank, playerId }) => `${rank} ${playerId}`).sort();
    const due = expected.slice(0, REWARDED).map(({ rank, playerId }) => `${rank} ${playerId}`);
    if (granted.join() !== due.join()) wrong('rewards', due, granted);
    return violations;
  }
  for (const { playerId, rank } of expected.filter((_, i) => i % 7 === 0)) {
    const { body } = await reader.ask<{ rank?: number }>(`/v1/boards/${gameId}/players/${playerId}?season=${season}`);
    if (body.rank !== rank) wrong(`rank of ${playerId}`, rank, body);
  }
  return violations;
}

async function pages(reader: Reader, path: string): Promise<Ranked[]> {
  const entries: Ranked[] = [];
  for (let cursor: string | undefined; ;) {
    const { status, body } = await reader.ask<{ entries: Ranked[]; cursor?: string }>(
      `${path}${path.includes('?') ? '&' : '?'}limit=50` +
        (cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`),
    );
    if (status !== 200) return entries; // Not written yet: the comparison says so.
    entries.push(...body.entries);
    cursor = body.cursor;
    if (cursor === undefined) return entries;
  }
}
