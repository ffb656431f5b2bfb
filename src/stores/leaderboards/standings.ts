import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { compositeKey } from '../../domain/ids';
import { seasonKey } from '../../domain/leaderboards/rankShards';
import { type RankedPlayer, rankedPlayer, type RankEntry } from '../../domain/leaderboards/ranking';
import { batchGet } from '../batchGet';
import type { Page, PageRequest } from '../cursor';
import { type Db, isConditionFailure } from '../dynamodb';
import { deflatedJson, type Item, itemType, list, number, prefixed, text } from '../items';
import { queryPage } from '../query';
import { leaderboardTables } from './tables';

/** Number of ranks in one item. */
export const PAGE = 200;

/** The rewards that a player was granted after a season. */
export interface Reward {
  playerId: string;
  rank: number;
  rewards: readonly string[];
  /** Epoch ms. */
  grantedAt: number;
}

const REWARD = compositeKey('reward', '');
const pageItems = itemType(leaderboardTables, 'LeaderboardStandings', {
  entry: text('Entry'),
  standings: deflatedJson<readonly RankEntry[]>('Standings'),
});
const rewardItems = itemType(leaderboardTables, 'LeaderboardStandings', {
  playerId: prefixed('Entry', REWARD),
  rank: number('Rank'),
  rewards: list<string>('Rewards'),
  grantedAt: number('GrantedAt'),
});
const pageEntry = (page: number): string => compositeKey('page', String(page).padStart(8, '0'));

/** The final standings and rewards of seasons. They are written once and never change. */
export class StandingsStore {
  constructor(private readonly db: Db) {}

  /** Writes page `page` (from 0) of `PAGE` ranks. A repeated call changes nothing. */
  async put(gameId: string, season: number, page: number, players: readonly RankedPlayer[]): Promise<void> {
    const entries = players.map(({ score, subscore, achievedAt, playerId, name = null, country = null }): RankEntry => [
      score,
      subscore,
      achievedAt,
      playerId,
      name,
      country,
    ]);
    await this.putOnce(gameId, season, pageItems.write({ entry: pageEntry(page), standings: entries }));
  }

  /** Returns up to `limit` players, starting at the rank `from`. */
  async page(gameId: string, season: number, from: number, limit: number): Promise<RankedPlayer[]> {
    const first = Math.floor((from - 1) / PAGE);
    const last = Math.floor((from + limit - 2) / PAGE);
    const keys = Array.from({ length: last - first + 1 }, (_, i) => ({
      GameSeason: seasonKey(gameId, season),
      Entry: pageEntry(first + i),
    }));
    const { LeaderboardStandings } = await batchGet(this.db, { LeaderboardStandings: { keys } });
    const pages = LeaderboardStandings.map(pageItems.read).sort((a, b) => (a.entry < b.entry ? -1 : 1));
    return pages
      .flatMap(({ standings }) => standings)
      .map((entry, i) => rankedPlayer(entry, first * PAGE + i + 1))
      .slice(from - 1 - first * PAGE, from - 1 - first * PAGE + limit);
  }

  /** Stores a player's rewards. A repeated call changes nothing. */
  async grant(gameId: string, season: number, reward: Reward): Promise<void> {
    await this.putOnce(gameId, season, rewardItems.write(reward));
  }

  /** Returns a page of the rewards of a season, ordered by player id. */
  rewards(gameId: string, season: number, page: PageRequest): Promise<Page<Reward>> {
    const query = {
      table: 'LeaderboardStandings',
      where: 'GameSeason = :season AND begins_with(Entry, :rewards)',
      values: { ':season': seasonKey(gameId, season), ':rewards': REWARD },
    };
    return queryPage(this.db, { name: 'rewards', of: { gameId, season } }, query, page, rewardItems.read);
  }

  private async putOnce(gameId: string, season: number, item: Item): Promise<void> {
    try {
      await this.db.client.send(
        new PutCommand({
          TableName: this.db.table('LeaderboardStandings'),
          Item: { GameSeason: seasonKey(gameId, season), ...item },
          // Race: an earlier attempt that timed out writes the same item. The stored item does not change.
          ConditionExpression: 'attribute_not_exists(Entry)',
        }),
      );
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
    }
  }
}
