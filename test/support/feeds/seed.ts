import { batchWrite } from '../../../src/stores/batchWrite';
import type { Db } from '../../../src/stores/dynamodb';
import { followKey } from '../../../src/stores/feeds/relations';

/** Users, straight into the table; who has followers or follows somebody, as many as said. */
export async function seedUsers(
  db: Db,
  users: readonly { userId: string; followers?: number; following?: number; mode?: 'push' | 'pull' }[],
): Promise<void> {
  const item = ({ userId, followers = 0, following = 0, mode = 'push' }: (typeof users)[number]) => ({
    UserID: userId,
    Name: userId,
    FollowerCount: followers,
    FollowerChanges: followers,
    FollowingCount: following,
    PostCount: 0,
    Epoch: following,
    PushMode: mode,
    ModeVersion: mode === 'pull' ? 1 : 0,
    ...(mode === 'pull' && { RisenAt: 0 }),
  });
  await batchWrite(
    db,
    'Users',
    users.map((user) => ({ PutRequest: { Item: item(user) } })),
  );
}

/** Readers who follow authors since long, straight into the tables; `pulled`: whose feeds read those authors' lists. */
export async function seedFollows(
  db: Db,
  pairs: readonly { readerId: string; authorId: string; pulled?: boolean }[],
): Promise<void> {
  await batchWrite(
    db,
    'Followers',
    pairs.map(({ readerId, authorId }) => ({
      PutRequest: { Item: { ...followKey(readerId, authorId), Epoch: 1, Since: 0 } },
    })),
  );
  const entries = pairs.flatMap(({ readerId, authorId, pulled }) => [
    { UserID: readerId, Entry: `follows#${authorId}`, Since: 0 },
    ...(pulled ? [{ UserID: readerId, Entry: `pulls#${authorId}`, ModeVersion: 1 }] : []),
  ]);
  await batchWrite(
    db,
    'Following',
    entries.map((Item) => ({ PutRequest: { Item } })),
  );
}

/** An author with so many followers. @returns the followers' ids. */
export async function seedAuthor(db: Db, authorId: string, count: number): Promise<string[]> {
  const readers = Array.from({ length: count }, (_, i) => `${authorId}-f${i}`);
  await seedUsers(db, [{ userId: authorId, followers: count }, ...readers.map((userId) => ({ userId, following: 1 }))]);
  await seedFollows(
    db,
    readers.map((readerId) => ({ readerId, authorId })),
  );
  return readers;
}

/** An author with so many followers of whom there is nothing else: enough to be fanned out to. */
export async function seedFollowers(db: Db, authorId: string, count: number): Promise<void> {
  await seedUsers(db, [{ userId: authorId, followers: count }]);
  const keys = Array.from({ length: count }, (_, i) => followKey(`${authorId}-f${i}`, authorId));
  await batchWrite(
    db,
    'Followers',
    keys.map((key) => ({ PutRequest: { Item: { ...key, Epoch: 1, Since: 0 } } })),
  );
}
