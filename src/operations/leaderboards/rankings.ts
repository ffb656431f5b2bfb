import { LongwatchError } from '../../domain/errors';
import type { Board } from '../../domain/leaderboards/board';
import { shardOf, shardsOf } from '../../domain/leaderboards/rankShards';
import {
  type NodeLoads,
  percentileOf,
  type RankedPlayer,
  rankedPlayer,
  type RankEntry,
  type Ranking,
  rankKinds,
  standingOf,
} from '../../domain/leaderboards/ranking';
import type { TreeKind } from '../../domain/leaderboards/tree';
import { positionOf, slice } from '../../domain/leaderboards/treeReads';
import { NodeGoneError, type NodeStore } from '../../stores/leaderboards/nodes';
import type { RankStore } from '../../stores/leaderboards/ranks';
import { againAfter, retry } from '../../timing/retry';

/** The state of the ranks that an answer shows. Two answers with the same version show the same state. */
export interface AsOf {
  season: number;
  /** Number of ranked players. */
  players: number;
  version: number;
  /** When the newest counted score was written (epoch ms). */
  asOf?: number;
}

/** A page of the best players. */
export interface TopPage extends AsOf {
  entries: RankedPlayer[];
  /** The last entry of the page, if more follow. */
  last?: RankEntry;
}

/** A player's rank, percentile and neighbours. */
export interface PlayerStanding extends AsOf {
  player: RankedPlayer;
  percentile: number;
  /** The neighbours before, the player, and the neighbours after. */
  around: RankedPlayer[];
}

type BoardPart = Pick<Board, 'gameId' | 'order' | 'shards'>;

/** One state of all shards of a season's ranking. */
interface Snapshot {
  kind: TreeKind<RankEntry>;
  parts: readonly { ranking: Ranking; load: NodeLoads }[];
  asOf: AsOf;
}

/**
 * Maximum attempts of a read. A ranking changes at most several times per second, so a reader that loses its nodes this
 * often has another problem.
 */
const ATTEMPTS = 8;

/**
 * Reads ranks, as far as the stream has updated them. Each answer is computed from one root per shard, whose nodes
 * never change. So a rank, its neighbours and the number of players agree, even during writes.
 */
export class Rankings {
  constructor(private readonly parts: { ranks: RankStore; nodes: NodeStore }) {}

  /**
   * Returns the best players, or the players after an entry.
   * @throws LongwatchError `contention`
   */
  top(board: BoardPart, season: number, limit: number, after?: RankEntry): Promise<TopPage> {
    return this.reading(board, season, async ({ kind, parts, asOf }) => {
      const pages = await Promise.all(
        parts.map(async ({ ranking, load }) => {
          const { before, entry } = after
            ? await positionOf(kind, ranking.ranks, after, load.ranks)
            : { before: 0, entry: undefined };
          const from = entry ? before + 1 : before;
          return { from, entries: await slice(ranking.ranks, from, from + limit, load.ranks) };
        }),
      );
      const skipped = pages.reduce((sum, { from }) => sum + from, 0);
      const merged = pages.flatMap(({ entries }) => entries).sort((a, b) => kind.compare(a, b));
      const page = merged.slice(0, limit);
      const last = page.at(-1);
      return {
        ...asOf,
        entries: page.map((entry, i) => rankedPlayer(entry, skipped + i + 1)),
        ...(last && skipped + page.length < asOf.players && { last: kind.key(last) }),
      };
    });
  }

  /**
   * Returns a player's rank, percentile and neighbours.
   * @param around maximum number of neighbours on each side
   * @throws LongwatchError `notFound` if the player is not ranked, `contention`
   */
  player(board: BoardPart, season: number, playerId: string, around: number): Promise<PlayerStanding> {
    return this.reading(board, season, async (snapshot) => {
      const { kind, parts, asOf } = snapshot;
      const home = shardOf(playerId, board.shards);
      const standing = await standingIn(snapshot, home, playerId);
      if (!standing) throw new LongwatchError('notFound', `Player ${playerId} is not ranked in season ${season}`);
      const { entry, places } = standing;
      const rank = places.reduce((sum, place) => sum + place, 1);
      const near = await Promise.all(
        parts.map(({ ranking, load }, i) => {
          const place = places[i] ?? 0;
          return slice(ranking.ranks, place - around, place + around + (i === home ? 1 : 0), load.ranks);
        }),
      );
      const merged = near.flat().sort((a, b) => kind.compare(a, b));
      const at = merged.findIndex(([, , , id]) => id === playerId);
      const from = Math.max(0, at - around);
      return {
        ...asOf,
        player: rankedPlayer(entry, rank),
        percentile: percentileOf(rank, asOf.players),
        around: merged.slice(from, at + around + 1).map((one, i) => rankedPlayer(one, rank - at + from + i)),
      };
    });
  }

  /**
   * Returns those of the given players who are ranked, by rank, with their rank among all players.
   * @throws LongwatchError `contention`
   */
  among(board: BoardPart, season: number, playerIds: readonly string[]): Promise<AsOf & { entries: RankedPlayer[] }> {
    return this.reading(board, season, async (snapshot) => {
      const standings = await Promise.all(
        [...new Set(playerIds)].map((id) => standingIn(snapshot, shardOf(id, board.shards), id)),
      );
      const found = standings
        .filter((one) => one !== undefined)
        .map(({ entry, places }) =>
          rankedPlayer(
            entry,
            places.reduce((sum, place) => sum + place, 1),
          ),
        );
      return { ...snapshot.asOf, entries: found.sort((a, b) => a.rank - b.rank) };
    });
  }

  private async reading<T>(board: BoardPart, season: number, read: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    const exhausted = (cause: unknown) =>
      new LongwatchError('contention', 'The ranks changed during every attempt to read them; try again', {
        retryAfterSeconds: 1,
        cause,
      });
    return retry({ attempts: ATTEMPTS, exhausted }, async () => {
      try {
        return await read(await this.snapshot(board, season));
      } catch (error) {
        // The writer removes old nodes soon after the ranking changes. Read the new head.
        if (!(error instanceof NodeGoneError)) throw error;
        return againAfter(error);
      }
    });
  }

  private async snapshot(board: BoardPart, season: number): Promise<Snapshot> {
    const of = shardsOf(board, season);
    const heads = await this.parts.ranks.heads(of);
    const asOf = Math.max(...heads.map((head) => head.asOf));
    return {
      kind: rankKinds[board.order],
      parts: of.map((shard, i) => ({ ranking: heads[i]?.ranking ?? {}, load: this.parts.nodes.loads(shard) })),
      asOf: {
        season,
        players: heads.reduce((sum, { ranking }) => sum + (ranking.ranks?.count ?? 0), 0),
        // The shards' versions only grow, so their sum identifies one state of all shards.
        version: heads.reduce((sum, { version }) => sum + version, 0),
        ...(asOf > 0 && { asOf }),
      },
    };
  }
}

/** Returns a player's entry and the number of entries before it in each shard. */
async function standingIn(
  { kind, parts }: Snapshot,
  home: number,
  playerId: string,
): Promise<{ entry: RankEntry; places: number[] } | undefined> {
  const own = parts[home];
  const standing = own && (await standingOf(kind, own.ranking, playerId, own.load));
  if (!standing) return undefined;
  const places = await Promise.all(
    parts.map(async ({ ranking, load }, i) =>
      i === home ? standing.before : (await positionOf(kind, ranking.ranks, standing.entry, load.ranks)).before,
    ),
  );
  return { entry: standing.entry, places };
}
