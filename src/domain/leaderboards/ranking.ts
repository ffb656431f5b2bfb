import { defined } from '../defined';
import { Draft, type Edit, edited, type Load, type Ref, type TreeKind } from './tree';
import { positionOf } from './treeReads';

export const orders = ['descending', 'ascending'] as const;
/** Which scores come first. */
export type Order = (typeof orders)[number];

/**
 * A ranked player: score, subscore, when the score was reached (epoch ms), id; name and country where there are any.
 */
export type RankEntry = readonly [
  score: number,
  subscore: number,
  achievedAt: number,
  playerId: string,
  name?: string | null,
  country?: string | null,
];
/** By which entry a player is ranked. */
export type PlayerEntry = readonly [playerId: string, score?: number, subscore?: number, achievedAt?: number];

/** About a write unit's worth when compressed. */
const NODE_MAX = 64;

const textOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const rankKind = (direction: 1 | -1): TreeKind<RankEntry> => ({
  // Who reached a score first is ahead; ids make the order total.
  compare: (a, b) => direction * (a[0] - b[0]) || direction * (a[1] - b[1]) || a[2] - b[2] || textOrder(a[3], b[3]),
  key: ([score, subscore, achievedAt, playerId]) => [score, subscore, achievedAt, playerId],
  max: NODE_MAX,
});
export const rankKinds: Readonly<Record<Order, TreeKind<RankEntry>>> = {
  descending: rankKind(-1),
  ascending: rankKind(1),
};

export const playerKind: TreeKind<PlayerEntry> = {
  compare: ([a], [b]) => textOrder(a, b),
  key: ([playerId]) => [playerId],
  max: NODE_MAX,
};

/** Two trees over the same players: in order of rank, and by id to find a player's entry in the first. */
export interface Ranking {
  ranks?: Ref<RankEntry>;
  players?: Ref<PlayerEntry>;
}

export type AnyEntry = RankEntry | PlayerEntry;

export interface NodeLoads {
  ranks: Load<RankEntry>;
  players: Load<PlayerEntry>;
}

export interface Drafts {
  ranks: Draft<RankEntry>;
  players: Draft<PlayerEntry>;
}

export function newDrafts(newId: () => string): Drafts {
  return { ranks: new Draft(newId), players: new Draft(newId) };
}

/** The entry by which a player is ranked, and where; undefined for one who is not. */
export async function standingOf(
  kind: TreeKind<RankEntry>,
  ranking: Ranking,
  playerId: string,
  load: NodeLoads,
): Promise<{ before: number; entry: RankEntry } | undefined> {
  const key = await rankKeyOf(ranking, playerId, load);
  if (!key) return undefined;
  const { before, entry } = await positionOf(kind, ranking.ranks, key, load.ranks);
  return entry && { before, entry };
}

async function rankKeyOf(ranking: Ranking, playerId: string, load: NodeLoads): Promise<RankEntry | undefined> {
  const { entry } = await positionOf(playerKind, ranking.players, [playerId], load.players);
  if (!entry) return undefined;
  const [, score = 0, subscore = 0, achievedAt = 0] = entry;
  return [score, subscore, achievedAt, playerId];
}

/**
 * The ranking after players have come to these entries; null takes one out. What a player was ranked by is looked up,
 * not assumed, so that a change may be applied twice, or after others were lost, and the player still stands there
 * once.
 */
export async function changed(
  kind: TreeKind<RankEntry>,
  ranking: Ranking,
  changes: ReadonlyMap<string, RankEntry | null>,
  load: NodeLoads,
  drafts: Drafts,
): Promise<Ranking> {
  const ranks: Edit<RankEntry>[] = [];
  const players: Edit<PlayerEntry>[] = [];
  await Promise.all(
    [...changes].map(async ([playerId, entry]) => {
      const before = await rankKeyOf(ranking, playerId, load);
      const moves = !before || !entry || kind.compare(before, entry) !== 0;
      if (before && moves) ranks.push({ key: before });
      if (entry) ranks.push({ key: kind.key(entry), put: entry });
      if (moves && (before || entry)) players.push({ key: [playerId], ...(entry && { put: playerEntry(entry) }) });
    }),
  );
  const [ranksRoot, playersRoot] = await Promise.all([
    edited(kind, ranking.ranks, ranks, load.ranks, drafts.ranks),
    edited(playerKind, ranking.players, players, load.players, drafts.players),
  ]);
  return defined({ ranks: ranksRoot, players: playersRoot });
}

export function playerEntry([score, subscore, achievedAt, playerId]: RankEntry): PlayerEntry {
  return [playerId, score, subscore, achievedAt];
}

/** A player with the rank that an entry has. */
export interface RankedPlayer {
  rank: number;
  playerId: string;
  score: number;
  subscore: number;
  /** Epoch ms. */
  achievedAt: number;
  name?: string;
  country?: string;
}

export function rankedPlayer(
  [score, subscore, achievedAt, playerId, name, country]: RankEntry,
  rank: number,
): RankedPlayer {
  return {
    rank,
    playerId,
    score,
    subscore,
    achievedAt,
    ...(typeof name === 'string' && { name }),
    ...(typeof country === 'string' && { country }),
  };
}

/** The share, in percent, of the other players who rank behind; who is alone is ahead of all there are. */
export function percentileOf(rank: number, players: number): number {
  return players <= 1 ? 100 : Math.round(((players - rank) / (players - 1)) * 10_000) / 100;
}
