import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { compositeKey } from '../../domain/ids';
import { seasonKey } from '../../domain/leaderboards/keys';
import { type RankedPlayer, rankedPlayer, type RankEntry } from '../../domain/leaderboards/ranking';
import { batchGet } from '../batchGet';
import type { Page, PageRequest } from '../cursor';
import { type Db, isConditionFailure } from '../dynamodb';
import { queryPage } from '../query';

/** Ranks of one item. */
export const PAGE = 200;

/** What a player was granted after a season. */
export interface Reward {
  playerId: string;
  rank: number;
  rewards: readonly string[];
  /** Epoch ms. */
  grantedAt: number;
}

const REWARD = compositeKey('reward', '');
const pageEntry = (page: number): string => compositeKey('page', String(page).padStart(8, '0'));

/** Final standings and rewards: written once, never changed. */
export class StandingsStore {
  constructor(private readonly db: Db) {}

  /** Writes a page of `PAGE` ranks, the first page being 0. Writing it again changes nothing. */
  async put(gameId: string, season: number, page: number, players: readonly RankedPlayer[]): Promise<void> {
    const entries = players.map(({ score, subscore, achievedAt, playerId, name = null, country = null }): RankEntry => [
      score,
      subscore,
      achievedAt,
      playerId,
      name,
      country,
    ]);
    await this.putOnce({
      GameSeason: seasonKey(gameId, season),
      Entry: pageEntry(page),
      Standings: deflateRawSync(JSON.stringify(entries)),
    });
  }

  /** From a rank on. */
  async page(gameId: string, season: number, from: number, limit: number): Promise<RankedPlayer[]> {
    const first = Math.floor((from - 1) / PAGE);
    const last = Math.floor((from + limit - 2) / PAGE);
    const keys = Array.from({ length: last - first + 1 }, (_, i) => ({
      GameSeason: seasonKey(gameId, season),
      Entry: pageEntry(first + i),
    }));
    const { LeaderboardStandings } = await batchGet(this.db, { LeaderboardStandings: { keys } });
    const pages = LeaderboardStandings.sort((a, b) => ((a['Entry'] as string) < (b['Entry'] as string) ? -1 : 1));
    const entries = pages.flatMap(
      (item) => JSON.parse(inflateRawSync(item['Standings'] as Uint8Array).toString()) as RankEntry[],
    );
    return entries
      .map((entry, i) => rankedPlayer(entry, first * PAGE + i + 1))
      .slice(from - 1 - first * PAGE, from - 1 - first * PAGE + limit);
  }

  /** Records what a player is granted. Recording it again changes nothing. */
  async grant(gameId: string, season: number, { playerId, rank, rewards, grantedAt }: Reward): Promise<void> {
    await this.putOnce({
      GameSeason: seasonKey(gameId, season),
      Entry: `${REWARD}${playerId}`,
      Rank: rank,
      Rewards: [...rewards],
      GrantedAt: grantedAt,
    });
  }

  rewards(gameId: string, season: number, page: PageRequest): Promise<Page<Reward>> {
    const query = {
      table: 'LeaderboardStandings',
      where: 'GameSeason = :season AND begins_with(Entry, :rewards)',
      values: { ':season': seasonKey(gameId, season), ':rewards': REWARD },
    };
    return queryPage(this.db, { name: 'rewards', of: { gameId, season } }, query, page, (item) => ({
      playerId: (item['Entry'] as string).slice(REWARD.length),
      rank: item['Rank'] as number,
      rewards: item['Rewards'] as string[],
      grantedAt: item['GrantedAt'] as number,
    }));
  }

  private async putOnce(Item: Record<string, unknown>): Promise<void> {
    try {
      await this.db.client.send(
        new PutCommand({
          TableName: this.db.table('LeaderboardStandings'),
          Item,
          // The race: an attempt that was believed dead writes the same. What is there stands.
          ConditionExpression: 'attribute_not_exists(Entry)',
        }),
      );
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
    }
  }
}
