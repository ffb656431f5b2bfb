import { LongwatchError } from '../../domain/errors';
import type { Board } from '../../domain/leaderboards/board';
import { shardOf, shardsOf } from '../../domain/leaderboards/keys';
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

/** What every answer says of itself: two with the same version are of the same state. */
export interface AsOf {
  season: number;
  /** How many are ranked. */
  players: number;
  version: number;
  /** When the newest score that is counted was written (epoch ms). */
  asOf?: number;
}

export interface TopPage extends AsOf {
  entries: RankedPlayer[];
  /** The last of the page, where more come after it. */
  last?: RankEntry;
}

export interface PlayerStanding extends AsOf {
  player: RankedPlayer;
  percentile: number;
  /** Those before, the player, those behind. */
  around: RankedPlayer[];
}

type BoardPart = Pick<Board, 'gameId' | 'order' | 'shards'>;

/** One state of all of a season's rankings. */
interface Snapshot {
  kind: TreeKind<RankEntry>;
  parts: readonly { ranking: Ranking; load: NodeLoads }[];
  asOf: AsOf;
}

/** A ranking moves on several times a second at most; a reader that lost its nodes so often is not slow but stuck. */
const ATTEMPTS = 8;

/**
 * Ranks, as the stream has brought them up to date. Whatever an answer says comes from one root a shard, whose nodes
 * never change: a rank, its neighbours and the number of players agree, whatever is written meanwhile.
 */
export class Rankings {
  constructor(private readonly parts: { ranks: RankStore; nodes: NodeStore }) {}

  /** The best, or those behind an entry. */
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

  /** @throws LongwatchError `notFound` for a player who is not ranked. */
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

  /** Those of the given players who are ranked, in order, with their rank among all. */
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
      new LongwatchError('contention', 'The ranks keep changing; try again', { retryAfterSeconds: 1, cause });
    return retry({ attempts: ATTEMPTS, exhausted }, async () => {
      try {
        return await read(await this.snapshot(board, season));
      } catch (error) {
        // Nodes are removed soon after a ranking has moved on from them.
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
        // Versions of the parts only grow, so that their sum names one state of them all.
        version: heads.reduce((sum, { version }) => sum + version, 0),
        ...(asOf > 0 && { asOf }),
      },
    };
  }
}

/** A player's entry, and how many come before it in each shard. */
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
