import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { iso } from '../../domain/ids';
import type { RankedPlayer } from '../../domain/leaderboards/ranking';
import type { Objects } from '../../gateways/s3/objects';

/** Players of one object: some hundred kilobytes. */
const PART = 10_000;

/** Where finished seasons go to stay: objects of JSON lines, and a manifest that says which belong to the season. */
export class StandingsArchive {
  constructor(private readonly objects: Pick<Objects, 'put'>) {}

  /**
   * Writes a season's final standings; writing them again writes the same, byte for byte. The manifest comes last, so
   * that a season with one is whole.
   * @param page the standings from a rank on.
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
