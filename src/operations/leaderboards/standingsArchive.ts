import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { iso } from '../../domain/ids';
import type { RankedPlayer } from '../../domain/leaderboards/ranking';
import type { Objects } from '../../gateways/s3/objects';

/** Players in one object, which has some hundred kilobytes. */
const PART = 10_000;

/** The archive of finished seasons: objects with JSON lines, and a manifest that lists the objects of a season. */
export class StandingsArchive {
  constructor(private readonly objects: Pick<Objects, 'put'>) {}

  /**
   * Writes a season's final standings. A repetition writes the same bytes. The manifest is written last, so a season
   * with a manifest is complete.
   * @param page returns the standings from a rank on
   * @throws RangeError if the standings have fewer than `players` players
   */
  async write(
    gameId: string,
    season: number,
    players: number,
    page: (rank: number) => Promise<RankedPlayer[]>,
    progress: () => void,
  ): Promise<void> {
    const folder = `leaderboards/game=${gameId}/season=${season}`;
    const parts: { key: string; players: number; sha256: string }[] = [];
    for (let rank = 1; rank <= players;) {
      const lines: string[] = [];
      while (lines.length < PART && rank <= players) {
        const entries = await page(rank);
        if (entries.length === 0)
          throw new RangeError(`The standings of ${gameId} end before rank ${rank} of ${players}`);
        lines.push(...entries.map(line));
        rank += entries.length;
        progress();
      }
      const body = gzipSync(`${lines.join('\n')}\n`);
      const key = `${folder}/part-${String(parts.length + 1).padStart(5, '0')}.ndjson.gz`;
      await this.objects.put(key, body, 'application/gzip');
      parts.push({ key, players: lines.length, sha256: createHash('sha256').update(body).digest('hex') });
      progress();
    }
    await this.objects.put(
      `${folder}/manifest.json`,
      Buffer.from(JSON.stringify({ gameId, season, players, parts })),
      'application/json',
    );
  }
}

const line = ({ achievedAt, ...player }: RankedPlayer): string =>
  JSON.stringify({ ...player, achievedAt: iso(achievedAt) });
