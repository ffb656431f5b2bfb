import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { timeKey } from '../../../src/domain/feeds/post';
import { engines } from '../../../src/local/dynamodb';
import { conditionHolds } from '../../../src/stores/conditionHolds';
import { batchWrite } from '../../../src/stores/batchWrite';
import type { Db } from '../../../src/stores/dynamodb';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { seedAuthor, seedFollows, seedUsers } from '../../support/feeds/seed';
import { feedWorld, untilIdle, wholeFeed, type World } from '../../support/feeds/world';
import { trimFeed } from '../../../src/operations/feeds/feedTrim';

describe.each(engines)('on %s', (engine) => {
  let dynamodb: TestDynamoDB;
  let world: World;
  beforeAll(async () => {
    dynamodb = await startTestDynamoDB(engine);
    world = feedWorld(dynamodb.db, {
      settings: { threshold: 1_000, cap: 100, backfill: 20, bulkAbove: 1_000, ranges: 4, trimEvery: 50 },
      sizes: { page: 200, slice: 25_000 },
    });
  });
  afterAll(() => dynamodb?.stop());

  const post = (authorId: string, postId: string) =>
    world.posting.create({ authorId, postId, text: 'x'.repeat(200), media: [] });

  it('a reading of twenty posts costs one unit a post and a relation, and two to find them', async () => {
    const authors = Array.from({ length: 5 }, (_, i) => `read-a${i}`);
    await seedUsers(world.db, [
      { userId: 'read', following: 5 },
      ...authors.map((userId) => ({ userId, followers: 1 })),
    ]);
    await seedFollows(
      world.db,
      authors.map((authorId) => ({ readerId: 'read', authorId })),
    );
    for (let i = 0; i < 30; i++) await post(authors[i % 5]!, `read-${i}`);
    await untilIdle(world);
    const { read, write } = await dynamodb.unitsOf(() => world.feeds.read('read', { limit: 20 }));
    expect(write).toBe(0);
    // User twice, marks, references; then 21 posts (one to know that there is more) and 5 relations.
    // DynamoDB Local has a query that finds nothing for free.
    expect([0, 1]).toContain(1 + 1 + 1 + 1 + 21 + 5 - read);
    expect(dynamodb.calls.map(({ operation }) => operation).sort()).toEqual([
      'BatchGetItem',
      'BatchGetItem',
      'Query',
      'Query',
    ]);
    const pulled = await dynamodb.unitsOf(() => world.feeds.read('read', { limit: 20, mode: 'pull' }));
    expect(pulled.read).toBe(1 + 1 + 1 + authors.length + 21 + 5);
  });

  it('a post costs at most eight units, a follow fourteen, and a follower’s row one', async () => {
    const readers = await seedAuthor(world.db, 'cost', 100);
    await seedUsers(world.db, [{ userId: 'cost-new' }]);
    // Post, place, author, what is owed: in a transaction, each twice; the post's text is below a kilobyte.
    expect((await dynamodb.unitsOf(() => post('cost', 'cost-1'))).write).toBeLessThanOrEqual(2 * 4);
    // Both users, both sides of the relation, two checks for blocks, what is owed.
    expect((await dynamodb.unitsOf(() => world.changes.follow('cost-new', 'cost'))).write).toBeLessThanOrEqual(2 * 7);
    const ref = { key: timeKey(1, 'cost-1'), authorId: 'cost' };
    const { read, write } = await dynamodb.unitsOf(() =>
      world.fanOut.deliver(ref, { range: { from: '00', to: 'ff' } }),
    );
    expect(write).toBe(readers.length + 1);
    // Followers are read twice, at fifty and more a unit, and a few feeds are looked at for their length.
    expect(read).toBeLessThan(readers.length * 0.25);
    await untilIdle(world);
  });

  it('followers come in slices: each once, from where the last page ended', async () => {
    const readers = await seedAuthor(world.db, 'slices', 120);
    const seen: string[] = [];
    for (let after: string | undefined, more = true; more;) {
      const page = await world.relations.followersOf(
        'slices',
        { range: { from: '00', to: 'ff' }, ...(after !== undefined && { after }) },
        50,
      );
      seen.push(...page.map(({ followerId }) => followerId));
      after = page.at(-1)?.key;
      more = page.length === 50;
    }
    expect([...seen].sort()).toEqual([...readers].sort());
    expect(new Set(seen).size).toBe(120);
  });

  it('a reference of a later follow outlives the clean-up of an earlier one', async () => {
    const row = (epoch: number) => ({ readerId: 'rows', authorId: 'someone', key: timeKey(1, 'p'), epoch });
    await world.rows.put([row(3)]);
    await world.rows.removeEnded([row(2)]);
    expect(await world.rows.all('rows')).toEqual([row(3)]);
    await world.rows.removeEnded([row(3)]);
    await world.rows.removeEnded([row(3)]);
    expect(await world.rows.all('rows')).toEqual([]);
  });

  it('a mark is only of who follows, and the older of two turns loses', async () => {
    const [reader] = (await seedAuthor(world.db, 'marks', 1)) as [string];
    const [follower] = (await world.relations.followersOf('marks', { range: { from: '00', to: 'ff' } }, 1))!;
    await world.relations.mark('marks', { ...follower!, epoch: 9 }, 1);
    expect(await world.relations.readTimeAuthors(reader)).toEqual([]);
    await world.relations.mark('marks', follower!, 3);
    await world.relations.mark('marks', follower!, 1);
    await world.relations.unmark('marks', reader, 2);
    expect(await world.relations.readTimeAuthors(reader)).toEqual(['marks']);
    const before = (await world.users.find([reader])).get(reader)!.feed.version;
    await world.relations.unmark('marks', reader, 4);
    expect(await world.relations.readTimeAuthors(reader)).toEqual([]);
    expect((await world.users.find([reader])).get(reader)!.feed.version).toBe(before + 1);
  });

  it('a turn ends once, and a late end of an earlier one changes nothing', async () => {
    await seedUsers(world.db, [{ userId: 'turning' }]);
    const modeOf = async () => (await world.users.find(['turning'])).get('turning')!.mode;
    const turn = (direction: 'rising' | 'falling') =>
      world.db.client.send(
        new TransactWriteCommand({
          TransactItems: [world.users.change({ userId: 'turning', followers: 1, turn: { direction, at: 1 } })],
        }),
      );
    await turn('rising');
    await world.users.completeTurn('turning', 2, 'rising');
    expect(await modeOf()).toBe('rising');
    await world.users.completeTurn('turning', 1, 'rising');
    expect(await modeOf()).toBe('pull');
    await turn('falling');
    await world.users.completeTurn('turning', 1, 'rising');
    expect(await modeOf()).toBe('falling');
  });

  it('of two edits of one version one wins, and none wins over a delete', async () => {
    await seedUsers(world.db, [{ userId: 'editor' }]);
    await post('editor', 'edited');
    const content = { text: 'other', media: [] };
    expect(await world.posts.edit({ postId: 'edited', version: 1 }, content, 5)).toBe(true);
    expect(await world.posts.edit({ postId: 'edited', version: 1 }, content, 6)).toBe(false);
    expect(await world.posts.find('edited')).toMatchObject({ text: 'other', version: 2, editedAt: 5 });
    await world.posting.remove('edited');
    expect(await world.posts.edit({ postId: 'edited', version: 2 }, content, 7)).toBe(false);
    expect(await world.posts.find('edited')).toMatchObject({ text: '', deleted: true });
  });

  it('a feed beyond the cap is cut, and shows the same', async () => {
    await seedUsers(world.db, [
      { userId: 'long', following: 1 },
      { userId: 'long-a', followers: 1 },
    ]);
    await seedFollows(world.db, [{ readerId: 'long', authorId: 'long-a' }]);
    for (let i = 0; i < 110; i++) await post('long-a', `long-${String(i).padStart(3, '0')}`);
    for (let i = 109; i >= 100; i--) await world.posting.remove(`long-${i}`);
    await untilIdle(world);
    await trimFeed(world, 'long', world.settings.cap);
    expect((await world.rows.all('long')).length).toBe(100);
    await world.posting.remove('long-099');
    const { down } = await wholeFeed(world, 'long', 40);
    expect(down).toEqual(Array.from({ length: 99 }, (_, i) => `long-${String(98 - i).padStart(3, '0')}`));
  });
});

describe('writing many items', () => {
  /** Answers of a DynamoDB under load: so many items of each call are left over. */
  const leavingOver = (left: (call: number, items: unknown[]) => unknown[]) => {
    const calls: number[] = [];
    const send = async ({ input }: { input: { RequestItems: Record<string, unknown[]> } }) => {
      const items = input.RequestItems['Feed']!;
      calls.push(items.length);
      const over = left(calls.length, items);
      return { UnprocessedItems: over.length > 0 ? { Feed: over } : {} };
    };
    return { calls, db: { table: (name: string) => name, client: { send } } as unknown as Db };
  };
  const requests = Array.from({ length: 25 }, (_, i) => ({
    DeleteRequest: { Key: { UserID: 'r', TimePostID: String(i) } },
  }));

  it('tries what is left over again, and only that', async () => {
    const { calls, db } = leavingOver((_, items) => items.slice(0, Math.floor(items.length / 2)));
    await batchWrite(db, 'Feed', requests);
    expect(calls).toEqual([25, 12, 6, 3, 1]);
  });

  it('says so when that does not end', async () => {
    const { db } = leavingOver((_, items) => items);
    await expect(batchWrite(db, 'Feed', requests.slice(0, 1))).rejects.toMatchObject({ type: 'unavailable' });
  });
});

it('a write that others hold up is tried again, and one whose condition fails is not', async () => {
  const { TransactionConflictException, ConditionalCheckFailedException } = await import('@aws-sdk/client-dynamodb');
  const failing = (errors: Error[]) => () => (errors.length > 0 ? Promise.reject(errors.shift()!) : Promise.resolve());
  const conflict = () => new TransactionConflictException({ $metadata: {}, message: 'busy' });
  expect(await conditionHolds(failing([conflict(), conflict()]))).toBe(true);
  expect(
    await conditionHolds(failing([conflict(), new ConditionalCheckFailedException({ $metadata: {}, message: 'no' })])),
  ).toBe(false);
  await expect(conditionHolds(() => Promise.reject(conflict()))).rejects.toMatchObject({ type: 'contention' });
});
