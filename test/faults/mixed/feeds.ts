import type { Random } from '../../../src/domain/fraud/random';
import { bruteForce, feedWorld } from '../../support/feeds/world';
import { capability, type Reader, type Violation } from './capability';
import type { Caller } from './caller';
import { FEEDS } from './deployment';
import { Sightings, startingAt, Turns } from './journal';

const USERS = Array.from({ length: 10 }, (_, i) => `member-${i + 1}`);
/** Followed by nearly everybody, so that they cross the threshold, up and down. */
const [STAR = ''] = USERS;

/** Two users, in the order of their names: who follows and blocks whom, as bits. */
const bits = { follows: [1, 2], blocks: [4, 8] } as const;
type Relation = number;
type Change = { what: 'follow' | 'unfollow' | 'block' | 'unblock'; /** 0: the first of the two. */ by: 0 | 1 };

/** What a change makes of two users' relation. */
export function changed(relation: Relation, { what, by }: Change): Relation {
  switch (what) {
    case 'follow':
      return relation & (bits.blocks[0] | bits.blocks[1]) ? relation : relation | bits.follows[by];
    case 'unfollow':
      return relation & ~bits.follows[by];
    case 'block':
      return (relation & ~(bits.follows[0] | bits.follows[1])) | bits.blocks[by];
    case 'unblock':
      return relation & ~bits.blocks[by];
  }
}

interface Pair {
  possible: Set<Relation>;
  /** Not acknowledged: each may still come at any time. */
  perhaps: Change[];
  acknowledged: number;
}

interface Written {
  authorId: string;
  /** That it was posted was acknowledged. */
  posted: boolean;
  /** Of the last acknowledged text, and of those that were not acknowledged. */
  text: string;
  perhaps: Set<string>;
  deleted: 'no' | 'perhaps' | 'yes';
}

interface Journal {
  /** By `one/other`. */
  pairs: Map<string, Pair>;
  posts: Map<string, Written>;
  turns: Turns;
  sightings: Sightings;
}

/** Follows, blocks, posts, and what each reader is shown of them. */
export const feeds = capability<Journal>({
  name: 'feeds',
  lanes: 3,
  pauseMs: 120,

  async prepare(caller) {
    for (const userId of USERS) {
      const told = await caller.send({ method: 'put', path: `/v1/users/${userId}`, body: { name: userId } });
      if (told.kind !== 'acknowledged') throw new Error(`${userId} could not be made`);
    }
    return { pairs: new Map(), posts: new Map(), turns: new Turns(), sightings: new Sightings() };
  },

  async operate(caller, random, journal, id) {
    const what = random.next();
    const at = random.integer(0, 1_000_000);
    if (what < 0.5) return relate(caller, random, journal);
    const authorId = random.chance(0.3) ? STAR : random.pick(USERS);
    if (what < 0.8) return publish(caller, journal, { postId: id, authorId, text: `text ${at}` });
    const ids = [...journal.posts.keys()].slice(-30);
    if (ids.length === 0) return;
    await journal.turns.with(startingAt(ids, at % ids.length), (postId) =>
      what < 0.9 ? edit(caller, journal, postId, `text ${at}`) : remove(caller, journal, postId),
    );
  },

  async verify(reader, { pairs, posts, sightings }) {
    const world = feedWorld(reader.db, { settings: { ...FEEDS, trimEvery: 50 } });
    const violations: Violation[] = [...sightings.all];
    let verified = 0;
    for (const [key, { possible, acknowledged }] of pairs) {
      const [one = '', other = ''] = key.split('/');
      const { follows, followedBy, blocks, blockedBy } = await world.relations.between(one, other);
      const found =
        (follows ? bits.follows[0] : 0) |
        (followedBy ? bits.follows[1] : 0) |
        (blocks ? bits.blocks[0] : 0) |
        (blockedBy ? bits.blocks[1] : 0);
      verified += acknowledged;
      if (!possible.has(found))
        violations.push({
          operation: `relation of ${one} and ${other}`,
          acknowledged: [...possible].map((relation) => shown(relation, one, other)).join(' or '),
          found: shown(found, one, other),
        });
    }
    const stored = new Map((await reader.scan('Posts')).map((item) => [String(item['PostID']), item]));
    for (const [postId, post] of posts) {
      const item = stored.get(postId);
      const isThere = item !== undefined && item['Deleted'] === undefined;
      const wrong = (acknowledged: string) =>
        violations.push({
          operation: `post ${postId} of ${post.authorId}`,
          acknowledged,
          found: JSON.stringify(item) ?? 'nothing',
        });
      if (post.posted) verified++;
      if (post.posted && post.deleted === 'no' && !isThere) wrong('it was posted');
      if (post.deleted === 'yes' && isThere) wrong('it was deleted');
      if (isThere && item['Body'] !== post.text && !post.perhaps.has(String(item['Body'])))
        wrong(`it says "${post.text}"`);
    }
    for (const readerId of USERS) {
      const expected = await bruteForce(world, readerId, USERS);
      for (const mode of ['push', 'pull'] as const) {
        const found = await wholeFeed(reader, readerId, mode);
        verified++;
        if (found.join() !== expected.join())
          violations.push({
            operation: `feed of ${readerId} (${mode})`,
            acknowledged: `the query over whom they follow: ${expected.join(', ')}`,
            found: found.join(', '),
          });
      }
    }
    return { verified, violations };
  },
});

async function relate(caller: Caller, random: Random, { pairs, turns, sightings }: Journal): Promise<void> {
  const by = random.integer(0, USERS.length - 1);
  const step = random.integer(1, USERS.length - 1);
  const towardsStar = random.chance(0.4) && by > 0;
  const [from = '', to = ''] = [USERS[by], towardsStar ? STAR : USERS[(by + step) % USERS.length]];
  const draw = random.next();
  const what = draw < 0.6 ? 'follow' : draw < 0.85 ? 'unfollow' : draw < 0.92 ? 'block' : 'unblock';
  const [one, other] = [from, to].sort() as [string, string];
  const key = `${one}/${other}`;
  await turns.with([key], async () => {
    const pair = pairs.get(key) ?? { possible: new Set([0]), perhaps: [], acknowledged: 0 };
    pairs.set(key, pair);
    const change: Change = { what, by: from === one ? 0 : 1 };
    const path = `/v1/users/${from}/${what === 'follow' || what === 'unfollow' ? 'following' : 'blocks'}/${to}`;
    const told = await caller.send({ method: what === 'follow' || what === 'block' ? 'put' : 'delete', path });
    if (told.kind === 'acknowledged') {
      pair.acknowledged++;
      const after = [...pair.possible].filter((relation) => what !== 'follow' || !isBlocked(relation));
      if (after.length === 0)
        sightings.add(
          `${from} follows ${to}`,
          [...pair.possible].map((relation) => shown(relation, one, other)).join(' or '),
          'it was allowed',
        );
      pair.possible = new Set(after.map((relation) => changed(relation, change)));
    } else if (told.kind === 'refused') {
      const after = [...pair.possible].filter(isBlocked);
      if (after.length === 0)
        sightings.add(
          `${from} follows ${to}`,
          'nobody has blocked anybody',
          `${told.status} ${JSON.stringify(told.body)}`,
        );
      else pair.possible = new Set(after);
      if (told.uncertain) pair.perhaps.push(change);
    } else pair.perhaps.push(change);
    // Whatever was not acknowledged may come at any time, in any order.
    for (let size = 0; size !== pair.possible.size;) {
      size = pair.possible.size;
      for (const late of pair.perhaps) for (const relation of pair.possible) pair.possible.add(changed(relation, late));
    }
  });
}

const isBlocked = (relation: Relation): boolean => (relation & (bits.blocks[0] | bits.blocks[1])) !== 0;

function shown(relation: Relation, one: string, other: string): string {
  const parts = ([0, 1] as const).flatMap((by) => {
    const [from, to] = by === 0 ? [one, other] : [other, one];
    return [
      ...(relation & bits.follows[by] ? [`${from} follows ${to}`] : []),
      ...(relation & bits.blocks[by] ? [`${from} has blocked ${to}`] : []),
    ];
  });
  return parts.join(' and ') || 'nothing between them';
}

async function publish(
  caller: Caller,
  { posts }: Journal,
  { postId, authorId, text }: { postId: string; authorId: string; text: string },
): Promise<void> {
  const written: Written = { authorId, posted: false, text, perhaps: new Set(), deleted: 'no' };
  const told = await caller.send({ method: 'post', path: '/v1/posts', body: { authorId, postId, text } });
  written.posted = told.kind === 'acknowledged';
  posts.set(postId, written);
}

async function edit(caller: Caller, { posts, sightings }: Journal, postId: string, text: string): Promise<void> {
  const written = posts.get(postId) as Written;
  const told = await caller.send({ method: 'patch', path: `/v1/posts/${postId}`, body: { text } });
  if (told.kind === 'acknowledged') written.text = text;
  else if (told.kind === 'unknown' || told.uncertain) written.perhaps.add(text);
  if (told.kind === 'acknowledged' && written.deleted === 'yes')
    sightings.add(`edit of post ${postId}`, 'it was deleted', told.text);
  if (told.kind === 'refused' && written.posted && written.deleted === 'no')
    sightings.add(`edit of post ${postId}`, 'it was posted', `${told.status} ${JSON.stringify(told.body)}`);
}

async function remove(caller: Caller, { posts, sightings }: Journal, postId: string): Promise<void> {
  const written = posts.get(postId) as Written;
  if (written.deleted === 'no') written.deleted = 'perhaps';
  const told = await caller.send({ method: 'delete', path: `/v1/posts/${postId}` });
  if (told.kind === 'acknowledged') written.deleted = 'yes';
  if (told.kind === 'refused' && written.posted)
    sightings.add(`deletion of post ${postId}`, 'it was posted', `${told.status} ${JSON.stringify(told.body)}`);
}

async function wholeFeed(reader: Reader, readerId: string, mode: 'push' | 'pull'): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await reader.get<{ items: { postId: string }[]; older?: string }>(
      `/v1/users/${readerId}/feed?limit=25&mode=${mode}` +
        (cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`),
    );
    ids.push(...page.items.map(({ postId }) => postId));
    cursor = page.older;
    if (cursor === undefined) return ids;
  }
}
