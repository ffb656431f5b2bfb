import * as fc from 'fast-check';
import { isLongwatchError } from '../../../src/domain/errors';
import { Random } from '../../../src/domain/fraud/random';
import type { OutboxEntry } from '../../../src/domain/platform/outbox';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import {
  applied,
  emptyModel,
  feedOf,
  type FeedModel,
  follows,
  type Request,
  requests,
  USERS,
} from '../../support/feeds/model';
import {
  bruteForce,
  carryOut,
  feedWorld,
  pendingStarts,
  untilIdle,
  wholeFeed,
  type World,
} from '../../support/feeds/world';
import { type Fate, Interleaving, Lost } from '../../support/interleaving';

/** More for a longer search: FEED_RUNS=1000. */
const RUNS = Number(process.env['FEED_RUNS'] ?? 8);
let dynamodb: TestDynamoDB;
/** Users and posts of one run are strangers to every other's. */
let run = 0;
beforeAll(async () => void (dynamodb = await startTestDynamoDB()), 120_000);
afterAll(() => dynamodb?.stop());

/** Calls that others make between two requests of a client, at most. */
const MAX_PAUSE = 20;
/** Calls that overtake one that is held back, at most: as many as a change and all that it owes. */
const MAX_HOLD = 80;

/** Whatever is lost is asked for again. */
async function persistently<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
    }
}

interface Course {
  requests: { first: Request[]; course: Request[] };
  /** Chooses who goes next, and what gets lost. */
  seed: number;
  /** Clients that send the requests, each waiting for its answers. */
  clients: number;
  /** Of a hundred calls, how many are lost, or their answers. */
  losses: number;
  /** Of a hundred attempts of background work, how many are given up for dead though they go on. */
  zombies: number;
}

const courses = (over: Partial<Record<keyof Course, fc.Arbitrary<unknown>>>): fc.Arbitrary<Course> =>
  fc.record({
    requests,
    seed: fc.integer(),
    clients: fc.constant(1),
    losses: fc.constant(0),
    zombies: fc.constant(0),
    ...over,
  }) as fc.Arbitrary<Course>;

/** One course of requests, reads and background work, all at once, call by call. */
class Played {
  readonly userIds: readonly string[];
  /** As it is, without anybody being in the way. */
  readonly quiet: World;
  /** What was true after each answer; with one client. */
  readonly states: FeedModel[] = [emptyModel];
  /** What readings showed that they must not. */
  readonly faults: string[] = [];
  /** Posts that readings showed meanwhile. */
  shown = 0;
  private inFlight: Request | undefined;
  /** A user whose feed has just lost something. */
  private concerned = 0;
  private readonly world: World;
  private readonly chance: Random;
  private readonly interleaving = new Interleaving(dynamodb.db, () =>
    this.chance.chance(0.1) ? this.chance.integer(0, MAX_HOLD) : 0,
  );
  private readonly background: Promise<void>[] = [];
  private readonly started = new Set<string>();
  private posted = 0;
  private tick = Date.parse('2026-01-01T00:00:00Z');
  private readonly name: string;

  constructor(private readonly course: Course) {
    this.name = `r${run++}`;
    this.userIds = Array.from({ length: USERS }, (_, i) => `${this.name}-u${i}`);
    this.chance = new Random(course.seed);
    // Every other post is of the same millisecond as the one before.
    const now = () => this.tick + Math.floor(this.posted / 2);
    this.quiet = feedWorld(dynamodb.db, { now });
    this.world = feedWorld(this.interleaving.gated(), { now, dispatchSoon: (entry) => this.start(entry) });
  }

  async play(): Promise<void> {
    for (const id of this.userIds) await this.quiet.users.put(id, id);
    for (const request of this.course.requests.first) await this.send(request, this.quiet);
    await untilIdle(this.quiet);
    const left = this.course.requests.course.values();
    const client = async () => {
      // All clients draw from one list; background work gets further between two requests, or it does not.
      for (const request of left) {
        await this.send(request);
        await this.interleaving.pause(this.chance.integer(0, MAX_PAUSE));
      }
    };
    const over = { yet: false };
    const reading = async () => {
      while (!over.yet) {
        // Rather one whom something has just happened to.
        const reader = this.chance.chance(0.5) ? this.concerned : this.chance.integer(0, USERS - 1);
        await this.read(reader, this.chance.chance(0.2) ? 'pull' : 'push');
        await this.interleaving.pause(this.chance.integer(0, MAX_PAUSE));
      }
    };
    const clients = Promise.all(Array.from({ length: this.course.clients }, client));
    const writers = clients.then(() => this.drain()).finally(() => (over.yet = true));
    await this.interleaving.until(Promise.all([writers, reading()]), this.pick);
  }

  /** Until nothing is under way, nor owed: some was not started because an answer was lost. */
  private async drain(): Promise<void> {
    for (
      let starts = await pendingStarts(this.quiet);
      starts.length > 0 || this.background.length > 0;
      starts = await pendingStarts(this.quiet)
    ) {
      starts.forEach((entry) => this.start(entry));
      await Promise.all(this.background.splice(0));
    }
  }

  private readonly pick = (waiting: number): { index: number; fate: Fate } => {
    const fate = this.chance.chance(this.course.losses / 100)
      ? this.chance.chance(0.5)
        ? 'lost'
        : 'answer-lost'
      : 'done';
    return { index: this.chance.integer(0, waiting - 1), fate };
  };

  /** Under way from now on; a zombie goes on beside the attempt that takes its place. */
  private start(entry: OutboxEntry): void {
    if (this.started.has(entry.id)) return;
    this.started.add(entry.id);
    const attempts = this.chance.chance(this.course.zombies / 100) ? 2 : 1;
    const later = () => this.interleaving.pause(this.chance.integer(0, MAX_PAUSE));
    const work = Array.from({ length: attempts }, () => later().then(() => carryOut(this.world, entry, persistently)));
    this.background.push(Promise.all(work).then(() => persistently(() => this.world.outboxStore.remove([entry]))));
  }

  private async send(request: Request, world = this.world): Promise<void> {
    const state = this.states.at(-1)!;
    if (request.kind === 'unfollow') this.concerned = request.by;
    if (request.kind === 'block') this.concerned = request.whom;
    const answered = (by: Request) => void this.states.push(applied(state, by));
    const { changes, posting } = world;
    this.inFlight = request;
    try {
      if (request.kind === 'post') {
        const postId = this.postId(this.posted++);
        await persistently(() =>
          posting.create({ postId, authorId: this.userIds[request.by]!, text: 'new', media: [] }),
        );
      } else if (request.kind === 'edit' || request.kind === 'delete') {
        if (this.posted === 0) return;
        const number = request.post % this.posted;
        this.inFlight = { ...request, post: number };
        if (request.kind === 'delete') await persistently(() => posting.remove(this.postId(number)));
        // Twice is once here, as the text says which edit it is.
        else
          await persistently(() =>
            posting.edit(this.postId(number), { text: `${state.posts[number]?.text ?? 'new'}!` }),
          );
        return answered({ ...request, post: number });
      } else
        await persistently<unknown>(() =>
          changes[request.kind](this.userIds[request.by]!, this.userIds[request.whom]!),
        );
      answered(request);
    } catch (error) {
      // A follow where there is a block; a post that is deleted, or that another client is only just posting.
      if (!isLongwatchError(error, 'conflict') && !isLongwatchError(error, 'notFound')) throw error;
      if (this.course.clients === 1) answered(this.inFlight);
    } finally {
      this.inFlight = undefined;
    }
  }

  /** Reads a page, perhaps the one after it, and sees that nothing is in it that the reader may not see. */
  private async read(reader: number, mode: 'push' | 'pull'): Promise<void> {
    const before = this.states.length - 1;
    const limit = this.chance.integer(1, 4);
    const first = await persistently(() => this.world.feeds.read(this.userIds[reader]!, { limit, mode }));
    const { older } = first;
    const second =
      older === undefined
        ? undefined
        : await persistently(() => this.world.feeds.read(this.userIds[reader]!, { limit, mode, cursor: older }));
    const shown = [...first.items, ...(second?.items ?? [])];
    const places = shown.map(({ at, postId }) => `${new Date(at).toISOString()}#${postId}`);
    if (places.join() !== [...new Set(places)].sort().toReversed().join())
      this.faults.push(`out of order: ${places.join()}`);
    if (this.course.clients > 1) return; // What is true when is known of one client only.
    const states = this.states.slice(before);
    if (this.inFlight) states.push(applied(this.states.at(-1)!, this.inFlight));
    for (const { postId, authorId, text } of shown) {
      const number = Number(postId.slice(postId.lastIndexOf('p') + 1));
      if (!states.some((state) => follows(state, reader, this.userIds.indexOf(authorId))))
        this.faults.push(`${postId} shown to ${reader}, who does not follow its author`);
      if (!states.some(({ posts }) => posts[number]?.text === text)) this.faults.push(`${postId} shown as it is not`);
    }
    this.shown += shown.length;
  }

  /** In the order in which they are posted. */
  postId(number: number): string {
    return `${this.name}-p${String(number).padStart(3, '0')}`;
  }
}

/** What must be true of every feed meanwhile, and once nothing is under way. */
async function feedsAreRight({ quiet, userIds, faults }: Played): Promise<void> {
  expect(faults).toEqual([]);
  for (const reader of userIds) {
    const expected = await bruteForce(quiet, reader, userIds);
    const { down, up } = await wholeFeed(quiet, reader, 3);
    const pulled = await quiet.feeds.read(reader, { mode: 'pull' });
    expect({ reader, down, up, pulled: pulled.items.map(({ postId }) => postId) }).toEqual({
      reader,
      down: expected,
      up: expected,
      pulled: expected,
    });
  }
}

/** What one client was answered is what is true. */
async function feedsAreTheModels(played: Played): Promise<void> {
  const { quiet, userIds, states } = played;
  for (const [i, reader] of userIds.entries())
    expect(await bruteForce(quiet, reader, userIds)).toEqual(
      feedOf(states.at(-1)!, i, quiet.settings.cap).map((number) => played.postId(number)),
    );
}

/** What is kept twice agrees, and no follow outlives a block. */
async function relationsAreRight({ quiet, userIds }: Played): Promise<void> {
  const users = await quiet.users.find(userIds);
  const followers: Record<string, string[]> = Object.fromEntries(userIds.map((id) => [id, []]));
  for (const id of userIds) {
    const following = await quiet.relations.allFollowing(id);
    expect(users.get(id)).toMatchObject({
      following: following.length,
      posts: (await quiet.posts.ofAuthor(id, {}, 'older', 1_000)).length,
    });
    for (const author of following) {
      followers[author]!.push(id);
      expect(await quiet.relations.between(id, author)).toMatchObject({ follows: {}, blocks: false, blockedBy: false });
    }
  }
  for (const id of userIds) {
    expect((await quiet.relations.followers(id)).items.map(({ userId }) => userId).sort()).toEqual(
      followers[id]!.sort(),
    );
    expect(users.get(id)).toMatchObject({
      followers: followers[id]!.length,
      mode: expect.stringMatching(/^(push|pull)$/),
    });
  }
}

it('one client, nothing lost: every feed is the brute-force query, and no row is left that nobody sees', async () => {
  await fc.assert(
    fc.asyncProperty(courses({}), async (course) => {
      const played = new Played(course);
      await played.play();
      const model = played.states.at(-1)!;
      for (const [i, reader] of played.userIds.entries())
        for (const { authorId, key } of await played.quiet.rows.all(reader)) {
          expect(follows(model, i, played.userIds.indexOf(authorId))).toBe(true);
          expect(await played.quiet.posts.findAll([{ authorId, key }])).toHaveLength(1);
        }
      await relationsAreRight(played);
      await feedsAreRight(played);
      await feedsAreTheModels(played);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
});

it(
  'one client, calls and answers lost, attempts that go on though given up: the same, and never a post that the ' +
    'reader may not see',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        courses({ losses: fc.integer({ min: 1, max: 10 }), zombies: fc.constantFrom(0, 50, 100) }),
        async (course) => {
          const played = new Played(course);
          await played.play();
          await relationsAreRight(played);
          await feedsAreRight(played);
          await feedsAreTheModels(played);
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
  },
);

it('clients at once, with losses and zombies: feeds agree with what became of the relations', async () => {
  await fc.assert(
    fc.asyncProperty(
      courses({
        clients: fc.constantFrom(2, 4),
        losses: fc.integer({ min: 0, max: 5 }),
        zombies: fc.constantFrom(0, 50),
      }),
      async (course) => {
        const played = new Played(course);
        await played.play();
        await relationsAreRight(played);
        await feedsAreRight(played);
      },
    ),
    { numRuns: RUNS, endOnFailure: true },
  );
});
