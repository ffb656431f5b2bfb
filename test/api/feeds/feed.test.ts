import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import request from 'supertest';
import { dueEntries } from '../../support/outbox';
import { bearer, startTestGraph, type TestGraph } from '../../support/graph';

let graph: TestGraph;
// Temporal is away all the time: requests do not need it.
beforeAll(
  async () => void (graph = await startTestGraph({ LONGWATCH_CAPABILITIES: 'feeds', LONGWATCH_FEED_CAP: '6' })),
  120_000,
);
afterAll(() => graph?.stop());

const call = (
  method: 'get' | 'put' | 'post' | 'patch' | 'delete',
  path: string,
  body?: object,
  headers: Record<string, string> = {},
) =>
  request(graph.app)
    [method](path)
    .set(...bearer('service'))
    .set(headers)
    .send(body);
const post = (authorId: string, over: object = {}, headers: Record<string, string> = {}) =>
  call('post', '/v1/posts', { authorId, text: 'hello', ...over }, headers);
const idsOf = ({ items }: { items: { postId: string }[] }) => items.map(({ postId }) => postId);

/** Users that no other test knows. */
let made = 0;
async function users<const N extends readonly string[]>(...names: N): Promise<{ [K in keyof N]: string }> {
  const ids = names.map((name) => `${name}-${made++}`);
  for (const id of ids) await call('put', `/v1/users/${id}`, { name: id }).expect(201);
  return ids as { [K in keyof N]: string };
}

/** A reader of an author above the threshold, whose posts need no background work to be seen. */
async function readerAndAuthor(): Promise<[reader: string, author: string]> {
  const [reader, author] = await users('reader', 'author');
  await call('put', `/v1/users/${reader}/following/${author}`).expect(200);
  // Temporal is away, so nothing is ever written into the feed: below this border it is read.
  await graph.dynamodb.db.client.send(
    new UpdateCommand({
      TableName: graph.dynamodb.db.table('Users'),
      Key: { UserID: reader },
      UpdateExpression: 'SET CompleteAfter = :never',
      ExpressionAttributeValues: { ':never': '9' },
    }),
  );
  return [reader, author];
}

describe('validation', () => {
  it.each([
    ['a text that is too long', { text: 'x'.repeat(2_001) }, 'text', 'at most 2000'],
    ['a text of blanks', { text: '  ' }, 'text', 'not be empty'],
    ['a text that is none', { text: 5 }, 'text', 'must be a text'],
    ['media that is no link', { media: ['nowhere'] }, 'media[0]', 'http or https'],
    ['media by a script', { media: ['javascript:alert(1)'] }, 'media[0]', 'http or https'],
    ['too many links', { media: Array(11).fill('https://x.test/a.png') }, 'media', 'at most 10'],
    ['an id with a slash', { postId: 'a/b' }, 'postId', '1 to 64 characters'],
    ['a missing author', { authorId: undefined }, 'authorId', 'is missing'],
    ['a field too many', { txet: 'x' }, '', 'txet'],
  ])('a post with %s is refused by the name of the field', async (_, over, field, message) => {
    const [author] = await users('author');
    const { status, body } = await post(author, over);
    expect([status, body.errors]).toEqual([400, [{ field, message: expect.stringContaining(message) }]]);
    expect((await call('get', `/v1/users/${author}`)).body.posts).toBe(0);
  });

  it('counts characters as people do', async () => {
    const [author] = await users('author');
    await post(author, { text: '🎈'.repeat(2_000) }).expect(201);
    await post(author, { text: '🎈'.repeat(2_001) }).expect(400);
  });

  it.each([
    ['limit=0', 'query.limit'],
    ['limit=101', 'query.limit'],
    ['direction=sideways', 'query.direction'],
    ['mode=guess', 'query.mode'],
    ['cursor=nonsense', 'cursor'],
    [`cursor=${Buffer.from(JSON.stringify({ Key: 'k', Depth: '-1' })).toString('base64url')}`, 'cursor'],
  ])('a feed with %s is refused', async (query, field) => {
    const [reader] = await users('reader');
    const { status, body } = await call('get', `/v1/users/${reader}/feed?${query}`);
    expect([status, body.errors[0].field]).toEqual([400, field]);
  });

  it('is for services', async () => {
    expect(
      (
        await request(graph.app)
          .get('/v1/users/anybody/feed')
          .set(...bearer('ana'))
      ).status,
    ).toBe(403);
    expect((await request(graph.app).get('/v1/users/anybody/feed')).status).toBe(401);
  });
});

describe('users and relations', () => {
  it('a user is made once and renamed after', async () => {
    const [id] = await users('ada');
    const { body } = await call('put', `/v1/users/${id}`, { name: 'Ada L.' }).expect(200);
    expect(body).toEqual({ userId: id, name: 'Ada L.', followers: 0, following: 0, posts: 0, spread: 'push' });
  });

  it('following twice is once, unfollowing twice too; the counts and lists agree', async () => {
    const [reader, author] = await users('reader', 'author');
    const first = await call('put', `/v1/users/${reader}/following/${author}`).expect(200);
    const again = await Promise.all(
      Array.from({ length: 4 }, () => call('put', `/v1/users/${reader}/following/${author}`)),
    );
    for (const { body } of again) expect(body).toEqual(first.body);
    expect((await call('get', `/v1/users/${author}`)).body).toMatchObject({ followers: 1, following: 0 });
    expect((await call('get', `/v1/users/${author}/followers`)).body).toEqual({
      items: [{ userId: reader, since: first.body.since }],
    });
    expect((await call('get', `/v1/users/${reader}/following`)).body).toEqual({
      items: [{ userId: author, since: first.body.since }],
    });
    for (let i = 0; i < 2; i++) await call('delete', `/v1/users/${reader}/following/${author}`).expect(204);
    expect((await call('get', `/v1/users/${reader}`)).body).toMatchObject({ following: 0 });
    expect((await call('get', `/v1/users/${author}/followers`)).body).toEqual({ items: [] });
  });

  it('many follow one at once: every one counts', async () => {
    const [author] = await users('author');
    const readers = await users('a', 'b', 'c', 'd', 'e', 'f');
    await Promise.all(readers.map((reader) => call('put', `/v1/users/${reader}/following/${author}`).expect(200)));
    expect((await call('get', `/v1/users/${author}`)).body.followers).toBe(6);
    const pages = [await call('get', `/v1/users/${author}/followers?limit=4`)];
    pages.push(await call('get', `/v1/users/${author}/followers?limit=4&cursor=${pages[0]!.body.cursor}`));
    expect(pages.flatMap(({ body }) => body.items.map(({ userId }: { userId: string }) => userId)).sort()).toEqual(
      [...readers].sort(),
    );
  });

  it('nobody follows themselves, somebody who is not there, or across a block', async () => {
    const [one, other] = await users('one', 'other');
    expect((await call('put', `/v1/users/${one}/following/${one}`)).status).toBe(400);
    expect((await call('put', `/v1/users/${one}/following/nobody-at-all`)).body).toMatchObject({
      status: 404,
      detail: expect.stringContaining('nobody-at-all'),
    });
    await call('put', `/v1/users/${one}/following/${other}`).expect(200);
    await call('put', `/v1/users/${other}/following/${one}`).expect(200);
    for (let i = 0; i < 2; i++) await call('put', `/v1/users/${one}/blocks/${other}`).expect(204);
    for (const id of [one, other])
      expect((await call('get', `/v1/users/${id}`)).body).toMatchObject({ followers: 0, following: 0 });
    for (const [a, b] of [
      [one, other],
      [other, one],
    ])
      expect((await call('put', `/v1/users/${a}/following/${b}`)).status).toBe(409);
    await call('delete', `/v1/users/${one}/blocks/${other}`).expect(204);
    await call('put', `/v1/users/${other}/following/${one}`).expect(200);
  });
});

describe('posts', () => {
  it('one id is one post, one key is one post; other content under it is a conflict', async () => {
    const [author] = await users('author');
    const postId = `${author}-p`;
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(author, { postId })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 201]);
    for (const { body } of answers) expect(body).toEqual(answers[0]!.body);
    expect((await post(author, { postId, text: 'something else' })).status).toBe(409);
    const keyed = await Promise.all(Array.from({ length: 3 }, () => post(author, {}, { 'idempotency-key': 'k-1' })));
    expect(new Set(keyed.map(({ body }) => body.postId)).size).toBe(1);
    expect((await post(author, { text: 'other' }, { 'idempotency-key': 'k-1' })).status).toBe(409);
    expect((await call('get', `/v1/users/${author}`)).body.posts).toBe(2);
  });

  it('an edit shows its version, and loses no other; without a change nothing is written', async () => {
    const [author] = await users('author');
    const { body, headers } = await post(author, { media: ['https://x.test/a.png'] }).expect(201);
    expect([body, headers['etag']]).toEqual([
      {
        postId: body.postId,
        authorId: author,
        text: 'hello',
        media: ['https://x.test/a.png'],
        postedAt: expect.any(String),
        version: 1,
      },
      '"1"',
    ]);
    const edited = await call('patch', `/v1/posts/${body.postId}`, { text: 'hello!' }, { 'if-match': '"1"' }).expect(
      200,
    );
    expect(edited.body).toMatchObject({
      text: 'hello!',
      media: body.media,
      version: 2,
      editedAt: expect.any(String),
      postedAt: body.postedAt,
    });
    expect((await call('patch', `/v1/posts/${body.postId}`, { text: 'late' }, { 'if-match': '"1"' })).status).toBe(412);
    expect((await call('patch', `/v1/posts/${body.postId}`, { text: 'hello!' })).body.version).toBe(2);
    expect((await call('patch', `/v1/posts/${body.postId}`, {})).status).toBe(400);
    // The first request once more, late: the post is as it was edited.
    expect((await call('get', `/v1/posts/${body.postId}`)).body.text).toBe('hello!');
  });

  it('a deleted post is nowhere, and a late repetition does not revive it', async () => {
    const [author] = await users('author');
    const postId = `${author}-gone`;
    await post(author, { postId }).expect(201);
    for (let i = 0; i < 2; i++) await call('delete', `/v1/posts/${postId}`).expect(204);
    expect((await call('get', `/v1/posts/${postId}`)).status).toBe(404);
    expect((await call('patch', `/v1/posts/${postId}`, { text: 'x' })).status).toBe(404);
    expect((await post(author, { postId })).status).toBe(409);
    expect((await call('get', `/v1/users/${author}/posts`)).body).toEqual({ items: [] });
    expect((await call('get', `/v1/users/${author}`)).body.posts).toBe(0);
    expect((await call('delete', '/v1/posts/never-was')).status).toBe(404);
  });

  it('replies are to posts that one may see', async () => {
    const [one, other] = await users('one', 'other');
    const { body } = await post(one).expect(201);
    expect((await post(other, { replyTo: body.postId })).body.replyTo).toBe(body.postId);
    expect((await post(other, { replyTo: 'never-was' })).body).toMatchObject({
      status: 404,
      errors: [{ field: 'replyTo' }],
    });
    await call('put', `/v1/users/${one}/blocks/${other}`).expect(204);
    expect((await post(other, { replyTo: body.postId })).status).toBe(404);
    expect((await call('get', `/v1/posts/${body.postId}?reader=${other}`)).status).toBe(404);
    expect((await call('get', `/v1/users/${one}/posts?reader=${other}`)).status).toBe(404);
    expect((await call('get', `/v1/users/${one}/posts?reader=${one}`)).body.items).toHaveLength(1);
  });

  it('an author’s posts come by pages, newest first', async () => {
    const [author] = await users('author');
    for (let i = 0; i < 5; i++) await post(author, { postId: `${author}-${i}` }).expect(201);
    const first = await call('get', `/v1/users/${author}/posts?limit=3`);
    const second = await call('get', `/v1/users/${author}/posts?limit=3&cursor=${first.body.cursor}`);
    expect([...idsOf(first.body), ...idsOf(second.body)]).toEqual([4, 3, 2, 1, 0].map((i) => `${author}-${i}`));
    expect(second.body.cursor).toBeUndefined();
  });
});

describe('a feed', () => {
  it('goes both ways by cursors that hold while new posts come, and ends at the cap', async () => {
    const [reader, author] = await readerAndAuthor();
    const id = (i: number) => `${author}-${i}`;
    for (let i = 0; i < 8; i++) await post(author, { postId: id(i) }).expect(201);
    const feed = async (query: string) => (await call('get', `/v1/users/${reader}/feed?${query}`).expect(200)).body;
    const top = await feed('limit=3');
    expect(idsOf(top)).toEqual([7, 6, 5].map(id));
    await post(author, { postId: id(8) }).expect(201);
    const next = await feed(`limit=4&cursor=${top.older}`);
    // Six from where the reading began.
    expect([idsOf(next), next.older]).toEqual([[4, 3, 2].map(id), undefined]);
    expect(idsOf(await feed(`limit=2&direction=newer&cursor=${next.newer}`))).toEqual([6, 5].map(id));
    const newest = await feed(`direction=newer&cursor=${top.newer}`);
    expect(idsOf(newest)).toEqual([id(8)]);
    const nothing = await feed(`direction=newer&cursor=${newest.newer}`);
    expect(idsOf(nothing)).toEqual([]);
    await post(author, { postId: id(9) }).expect(201);
    expect(idsOf(await feed(`direction=newer&cursor=${nothing.newer}`))).toEqual([id(9)]);
    expect(idsOf(await feed('mode=pull'))).toEqual([9, 8, 7, 6, 5, 4].map(id));
  });

  it('tells what is unread by a marker that goes forward only', async () => {
    const [reader, author] = await readerAndAuthor();
    const id = (i: number) => `${author}-${i}`;
    for (let i = 0; i < 4; i++) await post(author, { postId: id(i) }).expect(201);
    const unread = async () => (await call('get', `/v1/users/${reader}/feed/unread`).expect(200)).body;
    expect(await unread()).toEqual({ count: 4, more: false });
    const mark = (postId: string) => call('put', `/v1/users/${reader}/feed/read-marker`, { postId });
    expect((await mark(id(2))).body).toEqual({ postId: id(2) });
    expect((await mark(id(0))).body).toEqual({ postId: id(2) });
    expect(await unread()).toEqual({ count: 1, more: false });
    const { body } = await call('get', `/v1/users/${reader}/feed`);
    expect(body.items.map((item: { unread: boolean }) => item.unread)).toEqual([true, false, false, false]);
    expect((await mark('never-was')).status).toBe(404);
    await call('delete', `/v1/posts/${id(3)}`).expect(204);
    expect(await unread()).toEqual({ count: 0, more: false });
  });

  it('does not need Temporal, and owes what it could not start', async () => {
    const [reader, author] = await users('reader', 'author');
    await call('put', `/v1/users/${reader}/following/${author}`).expect(200);
    await post(author, { postId: `${author}-owed` }).expect(201);
    expect((await call('get', `/v1/users/${reader}/feed`).expect(200)).body.items).toEqual([]);
    expect(idsOf((await call('get', `/v1/users/${reader}/feed?mode=pull`)).body)).toEqual([`${author}-owed`]);
    const starts = await dueEntries(graph.dynamodb.db);
    expect(starts.map(({ id }) => id)).toEqual(
      expect.arrayContaining([`fan-out/${author}-owed`, `relation/${reader}/${author}/1`]),
    );
  });
});
