import fc from 'fast-check';
import {
  changed,
  emptyNewNodes,
  type NodeLoads,
  type Order,
  orders,
  type RankEntry,
  type Ranking,
  rankKinds,
  playerKind,
  standingOf,
} from '../../../src/domain/leaderboards/ranking';
import type { Node, Ref, TreeKind } from '../../../src/domain/leaderboards/tree';
import { slice, walk } from '../../../src/domain/leaderboards/treeReads';

/** Small nodes make deep trees of few players. */
const kindOf = (order: Order) => ({ ...rankKinds[order], max: 4 });

/** Nodes in memory. Those that an edit drops are gone, so that whoever still needs one is found out. */
class Memory {
  readonly nodes = new Map<string, Node<never>>();
  loads = 0;
  private ids = 0;
  readonly load: NodeLoads = { ranks: (id) => this.get(id), players: (id) => this.get(id) };

  private get(id: string): Promise<Node<never>> {
    this.loads++;
    const node = this.nodes.get(id);
    return node ? Promise.resolve(node) : Promise.reject(new Error(`no node ${id}`));
  }

  async change(
    kind: TreeKind<RankEntry>,
    ranking: Ranking,
    changes: ReadonlyMap<string, RankEntry | null>,
  ): Promise<Ranking> {
    const drafts = emptyNewNodes(() => String(++this.ids));
    const after = await changed(kind, ranking, changes, this.load, drafts);
    for (const { created, dropped } of [drafts.ranks, drafts.players]) {
      for (const id of dropped) if (!this.nodes.delete(id)) throw new Error(`dropped twice: ${id}`);
      for (const [id, node] of created) this.nodes.set(id, node as Node<never>);
    }
    return after;
  }
}

async function all<E>(
  kind: Parameters<typeof walk<E>>[0],
  root: Ref<E> | undefined,
  memory: Memory,
): Promise<{ entries: E[]; ids: Set<string> }> {
  const ids = new Set<string>();
  const entries: E[] = [];
  for await (const part of walk<E>(
    kind,
    root,
    (id) => memory.load.ranks(id) as never,
    (id) => ids.add(id),
  ))
    entries.push(...part);
  return { entries, ids };
}

const playerId = fc.integer({ min: 0, max: 150 }).map((n) => `p${n}`);
/** Few values, so that ties are common. */
const change = fc.record({
  playerId,
  score: fc.integer({ min: -3, max: 3 }),
  subscore: fc.integer({ min: 0, max: 1 }),
  achievedAt: fc.integer({ min: 0, max: 20 }),
  leaves: fc.boolean(),
});
const batch = fc.array(change, { minLength: 1, maxLength: 120 });

it.each(orders)('%s: ranks, pages and places are those of a sorted list, whatever comes and goes', async (order) => {
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 8 }), playerId, async (batches, someone) => {
      const kind = kindOf(order);
      const memory = new Memory();
      const oracle = new Map<string, RankEntry>();
      let ranking: Ranking = {};
      for (const one of batches) {
        const changes = new Map<string, RankEntry | null>();
        for (const { playerId: id, score, subscore, achievedAt, leaves } of one)
          changes.set(id, leaves ? null : [score, subscore, achievedAt, id]);
        ranking = await memory.change(kind, ranking, changes);
        // Twice is once.
        ranking = await memory.change(kind, ranking, changes);
        for (const [id, entry] of changes)
          if (entry) oracle.set(id, entry);
          else oracle.delete(id);
        const sorted = [...oracle.values()].sort((a, b) => kind.compare(a, b));
        const ranks = await all(kind, ranking.ranks, memory);
        const players = await all(playerKind, ranking.players, memory);
        expect(ranks.entries).toEqual(sorted);
        expect(players.entries.map(([id]) => id)).toEqual([...oracle.keys()].sort());
        // Nothing is left behind, nothing is missing.
        expect(new Set([...ranks.ids, ...players.ids])).toEqual(new Set(memory.nodes.keys()));
        expect(await slice(ranking.ranks, 3, 90, memory.load.ranks)).toEqual(sorted.slice(3, 90));
        const place = sorted.findIndex(([, , , id]) => id === someone);
        expect(await standingOf(kind, ranking, someone, memory.load)).toEqual(
          place < 0 ? undefined : { before: place, entry: sorted[place] },
        );
      }
    }),
    { numRuns: 40 },
  );
});

it('a hundred thousand equal scores are ranked by who came first, with as few reads as any others', async () => {
  const memory = new Memory();
  const kind = rankKinds.descending;
  let ranking: Ranking = {};
  for (let from = 0; from < 100_000; from += 10_000)
    ranking = await memory.change(
      kind,
      ranking,
      new Map(
        Array.from({ length: 10_000 }, (_, i): [string, RankEntry] => [
          `p${from + i}`,
          [7, 0, from + i, `p${from + i}`],
        ]),
      ),
    );
  memory.loads = 0;
  for (const place of [0, 1, 49_999, 99_999])
    expect((await standingOf(kind, ranking, `p${place}`, memory.load))!.before).toBe(place);
  // Two paths each: by id, then by rank.
  expect(memory.loads / 4).toBeLessThanOrEqual(8);
});

it('a board that has shrunk is as shallow as one that never grew', async () => {
  const memory = new Memory();
  const ids = Array.from({ length: 20_000 }, (_, i) => `p${i}`);
  let ranking = await memory.change(
    rankKinds.ascending,
    {},
    new Map(ids.map((id, i): [string, RankEntry] => [id, [i, 0, 0, id]])),
  );
  ranking = await memory.change(rankKinds.ascending, ranking, new Map(ids.slice(10).map((id) => [id, null])));
  expect(memory.nodes.size).toBe(2);
  ranking = await memory.change(rankKinds.ascending, ranking, new Map(ids.slice(0, 10).map((id) => [id, null])));
  expect([ranking, memory.nodes.size]).toEqual([{}, 0]);
});
