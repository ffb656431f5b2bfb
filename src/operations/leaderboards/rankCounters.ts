import type { ItemChange } from '../../gateways/streams/tableStream';
import { CHECK_MARK, END_MARK, parseBoardSeason, type RankShard } from '../../domain/leaderboards/rankShards';
import type { RankWriter, ShardChange } from './rankWriter';
import { faultOf } from '../../stores/items';
import type { RankStore } from '../../stores/leaderboards/ranks';
import { rankEntry } from '../../stores/leaderboards/scores';
import type { TransactItem } from '../../stores/platform/outbox';
import type { Folding } from '../platform/streams/foldingHandler';

/**
 * Maximum number of season shards in one batch. A transaction has at most 100 items: the checkpoint, and a head and a
 * log entry per shard.
 */
export const SHARDS_A_BATCH = 45;

/** Makes the folding of score changes into the rankings of their shards. */
export function rankCounters(ranks: RankStore, writer: RankWriter): Folding<ItemChange> {
  return {
    key: (change) => String(itemOf(change)['BoardSeason']),
    check({ before, after }) {
      const { BoardSeason, PlayerID } = after ?? before ?? {};
      if (!parseBoardSeason(BoardSeason)) return 'BoardSeason is not game#season#shard#order';
      if (typeof PlayerID !== 'string') return 'PlayerID is not a string';
      for (const name of ['Score', 'AchievedAt'] as const)
        if (after?.['Score'] !== undefined && !Number.isSafeInteger(after[name])) return `${name} is not an integer`;
      return faultOf(rankEntry, after ?? {});
    },
    async effects(changes): Promise<TransactItem[]> {
      const shards = new Map<string, { shard: RankShard; change: ShardChange }>();
      for (const change of changes) {
        const name = itemOf(change)['BoardSeason'] as string;
        const shard = parseBoardSeason(name);
        if (!shard) continue;
        const known = shards.get(name) ?? { shard, change: { changes: new Map(), asOf: 0, isSealed: false } };
        shards.set(name, known);
        take(known.change, change);
      }
      const all = [...shards.values()];
      const heads = await ranks.heads(all.map(({ shard }) => shard));
      const effects = await Promise.all(
        all.map(({ shard, change }, i) => (heads[i] ? writer.propose(shard, heads[i], change) : [])),
      );
      return effects.flat();
    },
  };
}

const itemOf = ({ before, after }: ItemChange): Record<string, unknown> => after ?? before ?? {};

function take(shard: ShardChange, change: ItemChange): void {
  const playerId = itemOf(change)['PlayerID'] as string;
  if (playerId === END_MARK) {
    shard.isSealed = true;
    return;
  }
  if (playerId === CHECK_MARK) {
    shard.mark = String(change.after?.['Mark']);
    return;
  }
  const is = rankEntry(change.after);
  // A change of the remembered submission ids changes no rank. But a player who is back at the same entry, after other
  // changes in this batch, must be recorded; so must a player whose malformed item was repaired.
  const isKnown = faultOf(rankEntry, change.before ?? {}) === undefined && !shard.changes.has(playerId);
  if (isKnown && JSON.stringify(rankEntry(change.before)) === JSON.stringify(is)) return;
  shard.changes.set(playerId, is ?? null);
  const { ChangedAt } = change.after ?? {};
  if (typeof ChangedAt === 'number') shard.asOf = Math.max(shard.asOf, ChangedAt);
}
