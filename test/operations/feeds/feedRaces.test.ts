import { timeKey } from '../../../src/domain/feeds/post';
import { rangesOf } from '../../../src/domain/feeds/ranges';
import type { FeedSettings } from '../../../src/domain/feeds/settings';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { feedWorld, untilIdle, wholeFeed, type World } from '../../support/feeds/world';
import { trimFeed } from '../../../src/operations/feeds/feedTrim';

/** Each race of which the decision on feeds speaks, at its worst moment. */
let dynamodb: TestDynamoDB;
let run = 0;
beforeAll(async () => void (dynamodb = await startTestDynamoDB()), 120_000);
afterAll(() => dynamodb?.stop());

const settings: FeedSettings = { threshold: 100, cap: 6, backfill: 6, ranges: 1, bulkAbove: 100, trimEvery: 1_000_000 };
let world: World;
let author: string;
let reader: string;
beforeEach(async () => {
  world = feedWorld(dynamodb.db, { settings });
  [author, reader] = [`author-${run}`, `reader-${run++}`];
  for (const id of [author, reader]) await world.users.put(id, id);
  await world.changes.follow(reader, author);
  await untilIdle(world);
});

type Stores = 'users' | 'relations' | 'posts' | 'rows';

/** A store of which one call, once, has something happen just before or just after it. */
function meddled<K extends Stores>(
  store: K,
  method: keyof World[K] & string,
  when: 'before' | 'after',
  what: () => Promise<unknown>,
  as = settings,
): World {
  let done = false;
  const over = new Proxy(world[store], {
    get(target, name) {
      const found: unknown = Reflect.get(target, name, target);
      if (typeof found !== 'function' || name !== method) return found;
      return async (...args: unknown[]) => {
        const meddles = !done;
        done = true;
        if (meddles && when === 'before') await what();
        const result: unknown = await found.apply(target, args);
        if (meddles && when === 'after') await what();
        return result;
      };
    },
  });
  return feedWorld(dynamodb.db, { settings: as, over: { [store]: over } });
}

const [everybody] = rangesOf(1);
async function post(number: number) {
  const { post: made } = await world.posting.create({
    authorId: author,
    postId: `${author}-${number}`,
    text: 'x',
    media: [],
  });
  return { key: timeKey(made.at, made.postId), authorId: author };
}
const rows = async () => (await world.rows.all(reader)).map(({ key }) => key);
const unfollowed = async () => {
  await world.changes.unfollow(reader, author);
  await world.feedSync.sync({ readerId: reader, authorId: author, epoch: 2 });
};
const followedAgain = async () => {
  await unfollowed();
  const { epoch } = await world.changes.follow(reader, author);
  expect(await world.feedSync.sync({ readerId: reader, authorId: author, epoch })).toBe('filled');
};
const deleted = async (ref: { key: string }) => {
  await world.posting.remove(ref.key.slice(ref.key.indexOf('#') + 1));
  await world.fanOut.retract({ ...ref, authorId: author }, { range: everybody! });
};

describe('a fan-out that writes a page after', () => {
  it('the reader has left and their feed was cleaned: leaves nothing behind', async () => {
    const ref = await post(1);
    await meddled('rows', 'put', 'before', unfollowed).fanOut.deliver(ref, { range: everybody! });
    expect(await rows()).toEqual([]);
  });

  it('the reader left and came back: leaves the row of the new follow, which no late clean-up removes', async () => {
    const ref = await post(1);
    await meddled('rows', 'put', 'before', followedAgain).fanOut.deliver(ref, { range: everybody! });
    expect(await world.rows.all(reader)).toEqual([{ ...ref, readerId: reader, epoch: 3 }]);
    await world.rows.removeEnded([{ ...ref, readerId: reader, epoch: 2 }]);
    expect(await rows()).toEqual([ref.key]);
  });

  it('the post was deleted and retracted: leaves nothing behind', async () => {
    const ref = await post(1);
    await meddled('rows', 'put', 'before', () => deleted(ref)).fanOut.deliver(ref, { range: everybody! });
    expect(await rows()).toEqual([]);
  });
});

describe('filling a feed that writes after', () => {
  it('the reader has left and their feed was cleaned: leaves nothing behind', async () => {
    await post(1);
    await meddled('rows', 'put', 'before', unfollowed).feedSync.fill(reader, author);
    expect(await rows()).toEqual([]);
  });

  it('a post was deleted and retracted: leaves nothing of it behind', async () => {
    const [one, two] = [await post(1), await post(2)];
    await meddled('rows', 'put', 'before', () => deleted(one)).feedSync.fill(reader, author);
    expect(await rows()).toEqual([two.key]);
  });
});

it('a clean-up does not remove what a follow has written that began meanwhile', async () => {
  const ref = await post(1);
  await untilIdle(world);
  await world.changes.unfollow(reader, author);
  const again = async () => {
    const { epoch } = await world.changes.follow(reader, author);
    await world.feedSync.sync({ readerId: reader, authorId: author, epoch });
  };
  await meddled('rows', 'all', 'before', again).feedSync.sync({ readerId: reader, authorId: author, epoch: 2 });
  expect(await rows()).toEqual([ref.key]);
});

describe('a reading', () => {
  it('between whose calls the feed is cut misses nothing', async () => {
    for (let i = 0; i < 9; i++) await post(i);
    await untilIdle(world);
    for (let i = 8; i > 4; i--) await world.posting.remove(`${author}-${i}`);
    const cut = meddled('users', 'find', 'after', () => trimFeed(world, reader, world.settings.cap));
    expect((await wholeFeed(cut, reader, 6)).down).toEqual([4, 3, 2, 1, 0].map((i) => `${author}-${i}`));
  });

  it('between whose calls a mark is taken away misses nothing', async () => {
    const ref = await post(1);
    const [follower] = await world.relations.followersOf(author, { range: everybody! }, 1);
    await world.relations.mark(author, follower!, 1);
    const filledAndUnmarked = async () => {
      await world.feedSync.fill(reader, author);
      await world.relations.unmark(author, reader, 2);
    };
    // The reading finds the reader as before, and then neither rows nor a mark.
    const fallen = meddled('rows', 'part', 'after', filledAndUnmarked);
    const marks = meddled('users', 'find', 'after', () => world.relations.unmark(author, reader, 2));
    expect((await fallen.feeds.read(reader)).items).toHaveLength(1);
    expect(await rows()).toEqual([ref.key]);
    expect((await marks.feeds.read(reader)).items).toHaveLength(1);
  });

  it('between whose calls the reader leaves, or the post is deleted, shows neither', async () => {
    const ref = await post(1);
    await untilIdle(world);
    expect((await meddled('rows', 'part', 'after', () => deleted(ref)).feeds.read(reader)).items).toEqual([]);
    await post(2);
    await untilIdle(world);
    expect(
      (await meddled('rows', 'part', 'after', () => world.changes.unfollow(reader, author)).feeds.read(reader)).items,
    ).toEqual([]);
  });
});

describe('a post whose author, since they were read,', () => {
  it('has got their first follower, reaches them', async () => {
    await world.changes.unfollow(reader, author);
    await untilIdle(world);
    const followed = async () => {
      await world.changes.follow(reader, author);
      await untilIdle(world);
    };
    await meddled('users', 'find', 'after', followed).posting.create({
      authorId: author,
      postId: `${author}-1`,
      text: 'x',
      media: [],
    });
    await untilIdle(world);
    expect(await rows()).toHaveLength(1);
  });

  it('has begun to be pushed again, is pushed', async () => {
    const low = { ...settings, threshold: 0 };
    const small = feedWorld(dynamodb.db, { settings: low });
    await small.posting.create({ authorId: author, postId: `${author}-0`, text: 'x', media: [] });
    await untilIdle(small);
    expect((await world.users.find([author])).get(author)).toMatchObject({ mode: 'pull', modeVersion: 1 });
    expect(await world.relations.readTimeAuthors(reader)).toEqual([author]);
    // Another follower comes, and with them the number is looked at: by the higher threshold it is far below.
    const fallen = async () => {
      await world.users.put(`other-${author}`, 'x');
      await world.changes.follow(`other-${author}`, author);
      await untilIdle(world);
    };
    await meddled('users', 'find', 'after', fallen, low).posting.create({
      authorId: author,
      postId: `${author}-1`,
      text: 'x',
      media: [],
    });
    await untilIdle(world);
    expect(await rows()).toHaveLength(2);
    expect((await wholeFeed(world, reader, 6)).down).toEqual([`${author}-1`, `${author}-0`]);
  });
});
