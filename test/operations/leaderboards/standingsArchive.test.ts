import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { LOCAL_CREDENTIALS } from '../../../src/config/endpoints';
import { rankedPlayer } from '../../../src/domain/leaderboards/ranking';
import { Objects } from '../../../src/gateways/s3/objects';
import { StandingsArchive } from '../../../src/operations/leaderboards/standingsArchive';
import { REGION } from '../../support/dynamodb';
import { BUCKET, startTestS3, type TestS3 } from '../../support/s3';

let s3: TestS3;
const objectsOf = (bucket: string, endpoint = s3.endpoint) =>
  new Objects({ bucket, region: REGION, endpoint, credentials: LOCAL_CREDENTIALS });
beforeAll(async () => {
  s3 = await startTestS3();
  await objectsOf(BUCKET).ensureBucket();
});
afterAll(() => s3?.stop());

const read = (key: string) => s3.get(key);

it(
  'a season is archived whole: every player once, in order, with a manifest that the parts agree with; twice is ' +
    'once',
  async () => {
    const players = Array.from({ length: 25_000 }, (_, i) =>
      rankedPlayer([1_000_000 - i, 0, i, `p${i}`, `Player ${i}`, 'DE'], i + 1),
    );
    const archive = new StandingsArchive(objectsOf(BUCKET));
    const write = () =>
      archive.write(
        'snake',
        3,
        players.length,
        (rank) => Promise.resolve(players.slice(rank - 1, rank + 199)),
        () => undefined,
      );
    await write();
    const manifest = await read('leaderboards/game=snake/season=3/manifest.json');
    await write();
    expect(await read('leaderboards/game=snake/season=3/manifest.json')).toEqual(manifest);
    const { parts, ...rest } = JSON.parse(manifest.toString());
    expect(rest).toEqual({ gameId: 'snake', season: 3, players: 25_000 });
    expect(parts.map((part: { players: number }) => part.players)).toEqual([10_000, 10_000, 5_000]);
    const lines: string[] = [];
    for (const { key, sha256 } of parts) {
      const body = await read(key);
      expect(createHash('sha256').update(body).digest('hex')).toBe(sha256);
      lines.push(...gunzipSync(body).toString().trim().split('\n'));
    }
    expect(lines.map((line) => JSON.parse(line).rank)).toEqual(players.map(({ rank }) => rank));
    expect(JSON.parse(lines[1]!)).toEqual({
      rank: 2,
      playerId: 'p1',
      score: 999_999,
      subscore: 0,
      achievedAt: '1970-01-01T00:00:00.001Z',
      name: 'Player 1',
      country: 'DE',
    });
  },
);

it('a bucket that is missing is refused with what to do, and one that is out of reach may be tried again', async () => {
  await expect(objectsOf('nowhere').put('a', Buffer.from('b'), 'text/plain')).rejects.toMatchObject({
    type: 'refused',
    message: expect.stringMatching(/bucket nowhere \(NoSuchBucket\): create the bucket/),
  });
  await expect(objectsOf(BUCKET, 'http://127.0.0.1:1').put('a', Buffer.from('b'), 'text/plain')).rejects.toMatchObject({
    type: 'unavailable',
    message: `The bucket ${BUCKET} cannot be reached; retry later`,
  });
});
