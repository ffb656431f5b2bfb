import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { compositeKey } from '../../domain/ids';
import { boardSeason, type RankShard } from '../../domain/leaderboards/rankShards';
import type { AnyEntry, NewNodes, NodeLoads } from '../../domain/leaderboards/ranking';
import type { Load, Node } from '../../domain/leaderboards/tree';
import { batchGet } from '../batchGet';
import { batchWrite } from '../batchWrite';
import type { Db } from '../dynamodb';
import { deflatedJson, itemType, prefixed } from '../items';
import { queryAll, readEach } from '../query';
import { leaderboardTables } from './tables';

/** Number of partitions of a rank tree's nodes, so that no partition gets hot. */
const BUCKETS = 16;
/** Maximum number of cached nodes; about 50 MB with long entries. */
const CACHED = 4_000;

type AnyNode = Node<AnyEntry>;

const PREFIX = compositeKey('node', '');
const nodeItems = itemType(leaderboardTables, 'LeaderboardRanks', {
  id: prefixed('Entry', PREFIX),
  node: deflatedJson<AnyNode>('Node'),
});
const idItems = nodeItems.pick('id');

/** A node was removed, because the ranking has changed since its root was read. Read the head again. */
export class NodeGoneError extends Error {
  override readonly name = 'NodeGoneError';
}

/**
 * Returns a generator of node ids for one attempt at a change: `time.random.number`. Ids of different attempts differ.
 */
export function nodeIds(now: number): () => string {
  const attempt = `${now.toString(36)}.${randomBytes(6).toString('base64url')}`;
  let made = 0;
  return () => `${attempt}.${(made++).toString(36)}`;
}

/** Returns the time when a node was created, epoch ms. */
export const madeAt = (id: string): number => Number.parseInt(id.slice(0, id.indexOf('.')), 36);

/** The nodes of rank trees. A node never changes, so nodes are cached. */
export class NodeStore {
  private readonly cache = new LRUCache<string, AnyNode>({ max: CACHED });

  constructor(private readonly db: Db) {}

  /**
   * Returns functions that load nodes. All nodes that are requested in the same iteration of the event loop are read
   * with as few BatchGetItem as possible.
   * @throws NodeGoneError if a node was removed.
   */
  loads(shard: RankShard): NodeLoads {
    let asked = new Map<string, { resolve(node: AnyNode): void; reject(error: unknown): void }[]>();
    const flush = (): void => {
      const batch = asked;
      asked = new Map();
      void this.read(shard, [...batch.keys()]).then(
        (found) => {
          for (const [id, waiting] of batch) {
            const node = found.get(id);
            for (const { resolve, reject } of waiting)
              if (node) resolve(node);
              else reject(new NodeGoneError(`Node ${id} of ${boardSeason(shard)} is gone`));
          }
        },
        (error: unknown) => {
          for (const waiting of batch.values()) for (const { reject } of waiting) reject(error);
        },
      );
    };
    const load = (id: string): Promise<AnyNode> => {
      const cached = this.cache.get(id);
      if (cached) return Promise.resolve(cached);
      return new Promise((resolve, reject) => {
        if (asked.size === 0) setImmediate(flush);
        asked.set(id, [...(asked.get(id) ?? []), { resolve, reject }]);
      });
    };
    return { ranks: load as Load<never>, players: load as Load<never> };
  }

  /** Writes the new nodes of a change. Readers see them only after the head refers to them. */
  async write(shard: RankShard, { ranks, players }: NewNodes): Promise<void> {
    const created = [...ranks.created, ...players.created];
    await batchWrite(
      this.db,
      'LeaderboardRanks',
      created.map(([id, node]) => ({
        PutRequest: { Item: nodeItems.write({ id, node }, keyOf(shard, id)) },
      })),
    );
    for (const [id, node] of created) this.cache.set(id, node);
  }

  /** Deletes nodes. */
  async remove(shard: RankShard, ids: readonly string[]): Promise<void> {
    await batchWrite(
      this.db,
      'LeaderboardRanks',
      ids.map((id) => ({ DeleteRequest: { Key: keyOf(shard, id) } })),
    );
    for (const id of ids) this.cache.delete(id);
  }

  /** Returns the ids of all stored nodes of a ranking, whether the head refers to them or not. */
  async *all(shard: RankShard): AsyncGenerator<string[]> {
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const query = {
        table: 'LeaderboardRanks',
        where: 'Ranking = :bucket',
        values: { ':bucket': compositeKey(boardSeason(shard), bucket) },
        projection: 'Entry',
      };
      for await (const items of queryAll(this.db, query))
        yield readEach(this.db, items, (item) => idItems.read(item).id);
    }
  }

  private async read(shard: RankShard, ids: readonly string[]): Promise<Map<string, AnyNode>> {
    const { LeaderboardRanks } = await batchGet(this.db, {
      LeaderboardRanks: { keys: ids.map((id) => keyOf(shard, id)), consistent: true },
    });
    const found = new Map<string, AnyNode>();
    for (const item of LeaderboardRanks) {
      const { id, node } = nodeItems.read(item);
      found.set(id, node);
      this.cache.set(id, node);
    }
    return found;
  }
}

function keyOf(shard: RankShard, id: string): { Ranking: string; Entry: string } {
  const bucket = Number.parseInt(id.slice(id.lastIndexOf('.') + 1), 36) % BUCKETS;
  return { Ranking: compositeKey(boardSeason(shard), bucket), Entry: `${PREFIX}${id}` };
}
