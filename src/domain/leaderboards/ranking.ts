import { defined } from '../defined';
import { Draft, type Edit, edited, type Load, type Ref, type TreeKind } from './tree';
import { positionOf } from './treeReads';

/** The orders of a ranking. */
export const orders = ['descending', 'ascending'] as const;
/** One of {@link orders}: `descending` ranks high scores first. */
export type Order = (typeof orders)[number];

/**
 * An entry of the rank tree: score, subscore, time of the score (epoch ms), player id, and name and country if known.
 */
export type RankEntry = readonly [
  score: number,
  subscore: number,
  achievedAt: number,
  playerId: string,
  name?: string | null,
  country?: string | null,
];
/** An entry of the player tree: a player id and the key of the player's entry in the rank tree. */
export type PlayerEntry = readonly [playerId: string, score?: number, subscore?: number, achievedAt?: number];

/** Maximum entries of a node: compressed, they fit into about one write unit. */
const NODE_MAX = 64;

const textOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const rankKind = (direction: 1 | -1): TreeKind<RankEntry> => ({
  // Of equal scores the earlier one ranks first. Comparing ids makes the order total.
  compare: (a, b) => direction * (a[0] - b[0]) || direction * (a[1] - b[1]) || a[2] - b[2] || textOrder(a[3], b[3]),
  key: ([score, subscore, achievedAt, playerId]) => [score, subscore, achievedAt, playerId],
  max: NODE_MAX,
});
/** The rank trees by order. */
export const rankKinds: Readonly<Record<Order, TreeKind<RankEntry>>> = {
  descending: rankKind(-1),
  ascending: rankKind(1),
};

/** The player tree, ordered by player id. */
export const playerKind: TreeKind<PlayerEntry> = {
  compare: ([a], [b]) => textOrder(a, b),
  key: ([playerId]) => [playerId],
  max: NODE_MAX,
};

/** The two trees of a ranking: by rank, and by player id, which finds a player's entry in the first. */
export interface Ranking {
  ranks?: Ref<RankEntry>;
  players?: Ref<PlayerEntry>;
}

/** An entry of either tree. */
export type AnyEntry = RankEntry | PlayerEntry;

/** The functions that load nodes of both trees. */
export interface NodeLoads {
  ranks: Load<RankEntry>;
  players: Load<PlayerEntry>;
}

/** The drafts of both trees. */
export interface NewNodes {
  ranks: Draft<RankEntry>;
  players: Draft<PlayerEntry>;
}

/** Returns empty drafts. */
export function emptyNewNodes(newId: () => string): NewNodes {
  return { ranks: new Draft(newId), players: new Draft(newId) };
}

/** Returns a player's entry and the number of entries before it; undefined for a player who is not ranked. */
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
 * Returns the ranking with these players' new entries; null removes a player. The previous entry of a player is read
 * from the player tree and not taken from the change. So a change can be applied twice, or after lost changes, and the
 * player still has exactly one entry.
 */
export async function changed(
  kind: TreeKind<RankEntry>,
  ranking: Ranking,
  changes: ReadonlyMap<string, RankEntry | null>,
  load: NodeLoads,
  drafts: NewNodes,
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

/** Returns the entry of the player tree for an entry of the rank tree. */
export function playerEntry([score, subscore, achievedAt, playerId]: RankEntry): PlayerEntry {
  return [playerId, score, subscore, achievedAt];
}

/** A player with a rank, as the API shows it. */
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

/** Returns an entry of the rank tree as a player with this rank. */
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

/** Returns the percentage of the other players who rank behind; 100 for a single player. */
export function percentileOf(rank: number, players: number): number {
  return players <= 1 ? 100 : Math.round(((players - rank) / (players - 1)) * 10_000) / 100;
}
