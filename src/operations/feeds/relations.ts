import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { defined } from '../../domain/defined';
import { LongwatchError } from '../../domain/errors';
import { marksFollowers } from '../../domain/feeds/author';
import { faultOfFollow, mustDiffer, MAX_FOLLOWING } from '../../domain/feeds/follow';
import { type DueModeChange, dueModeChange } from '../../domain/feeds/modeChange';
import type { FeedSettings } from '../../domain/feeds/settings';
import { type OutboxEntry, startEntry, type WorkflowStart } from '../../domain/platform/outbox';
import { conditionHolds } from '../../stores/conditionHolds';
import type { Db } from '../../stores/dynamodb';
import type { Follow, Pair, RelationStore } from '../../stores/feeds/relations';
import type { FeedUser, FeedUserStore, UserChange } from '../../stores/feeds/users';
import type { TransactItem } from '../../stores/platform/outbox';
import { relationStart } from '../../domain/feeds/workflows';
import { againAtOnce, retry } from '../../timing/retry';
import type { OutboxWriter } from '../platform/outbox/outbox';
import { type Clock, systemClock } from '../../timing/clock';

/** The parts that {@link Relations} needs. */
export interface RelationsParts {
  db: Db;
  users: FeedUserStore;
  relations: RelationStore;
  outbox: OutboxWriter;
  clock?: Clock;
}

/**
 * A change of relations that is written in one transaction, with the outbox entries of the workflows that it starts.
 */
interface Change {
  users: UserChange[];
  items: TransactItem[];
  starts: OutboxEntry[];
}

type BothThere = Pair & { one: FeedUser; other: FeedUser };

const ATTEMPTS = 50;

/**
 * Follows and blocks between users. A block ends the follows between the two users in both directions, and prevents new
 * ones.
 */
export class Relations {
  private readonly clock: Clock;

  constructor(
    private readonly parts: RelationsParts,
    private readonly settings: FeedSettings,
  ) {
    this.clock = parts.clock ?? systemClock;
  }

  /**
   * Begins a follow. If the reader follows the author already, returns that follow unchanged.
   * @throws LongwatchError `invalid` (both are the same user), `notFound` (no such user), `conflict` (one has blocked
   *   the other, or the reader follows too many users), `contention`
   */
  async follow(readerId: string, authorId: string): Promise<Follow> {
    mustDiffer(readerId, authorId);
    return this.until(readerId, authorId, (pair) => {
      if (pair.follows) return { result: pair.follows };
      const fault = faultOfFollow(readerId, authorId, { ...pair, following: pair.one.following });
      if (fault) throw fault;
      const follow: Follow = { epoch: pair.one.epoch + 1, since: this.clock.now() };
      return { result: follow, change: this.beginning(pair, follow) };
    });
  }

  /**
   * Ends a follow. If there is none, changes nothing.
   * @throws LongwatchError `invalid` (both are the same user), `notFound` (no such user), `contention`
   */
  async unfollow(readerId: string, authorId: string): Promise<void> {
    mustDiffer(readerId, authorId);
    await this.until(readerId, authorId, (pair) => ({
      result: undefined,
      ...(pair.follows && { change: this.ending(pair, [[pair.one, pair.other]]) }),
    }));
  }

  /**
   * Blocks a user. If the block exists already, changes nothing.
   * @throws LongwatchError `invalid` (both are the same user), `notFound` (no such user), `contention`
   */
  async block(by: string, whom: string): Promise<void> {
    mustDiffer(by, whom);
    await this.until(by, whom, (pair) => {
      if (pair.blocks) return { result: undefined };
      const { one, other, follows, followedBy } = pair;
      const change = this.ending(pair, [
        ...(follows ? [[one, other] as const] : []),
        ...(followedBy ? [[other, one] as const] : []),
      ]);
      change.items.push(this.parts.relations.block(by, whom, this.clock.now()));
      return { result: undefined, change };
    });
  }

  /**
   * Removes a block. The follows that the block ended stay ended.
   * @throws LongwatchError `invalid` if both are the same user
   */
  unblock(by: string, whom: string): Promise<void> {
    mustDiffer(by, whom);
    return this.parts.relations.unblock(by, whom);
  }

  private beginning({ one: reader, other: author }: BothThere, follow: Follow): Change {
    const { relations } = this.parts;
    const mark = marksFollowers(author) ? { modeVersion: author.modeVersion } : undefined;
    const { turn, start } = this.dueModeChange({ ...author, followers: author.followers + 1 });
    const starts = start ? [this.start(start)] : [];
    // A follower with a mark reads the posts from the author's own list, so no workflow has to fill the feed.
    if (!mark)
      starts.push(
        this.start(relationStart({ readerId: reader.userId, authorId: author.userId, epoch: follow.epoch }, 'follows')),
      );
    return {
      users: [
        { userId: reader.userId, following: 1, ifEpoch: reader.epoch, ifFollowingBelow: MAX_FOLLOWING },
        { userId: author.userId, followers: 1, ifModeVersion: author.modeVersion, ...defined({ turn }) },
      ],
      items: relations.beginning(reader.userId, author.userId, follow, mark),
      starts,
    };
  }

  /** Ends the given follows. The conditions on both users ensure that no other follow between them began meanwhile. */
  private ending({ one, other }: BothThere, ended: (readonly [reader: FeedUser, author: FeedUser])[]): Change {
    const change: Change = { users: [], items: [], starts: [] };
    for (const user of [one, other]) {
      const loses = ended.some(([, author]) => author === user);
      const leaves = ended.some(([reader]) => reader === user);
      const due = loses ? this.dueModeChange({ ...user, followers: user.followers - 1 }) : {};
      if (due.start) change.starts.push(this.start(due.start));
      // Check the epoch even of a user without an ended follow: it proves that no follow began since it was read.
      change.users.push({
        userId: user.userId,
        ifEpoch: user.epoch,
        ...(leaves && { following: -1 }),
        ...(loses && { followers: -1, ifModeVersion: user.modeVersion, ...defined({ turn: due.turn }) }),
      });
    }
    for (const [reader, author] of ended) {
      change.items.push(...this.parts.relations.ending(reader.userId, author.userId));
      change.starts.push(
        this.start(
          relationStart({ readerId: reader.userId, authorId: author.userId, epoch: reader.epoch + 1 }, 'leaves'),
        ),
      );
    }
    return change;
  }

  private dueModeChange(author: FeedUser): DueModeChange {
    return dueModeChange(author, this.settings, this.clock.now());
  }

  private start(start: WorkflowStart): OutboxEntry {
    return startEntry(start, this.clock.now());
  }

  /** Reads both users and their relation, decides, and writes. Repeats this until no other writer interferes. */
  private async until<T>(
    one: string,
    other: string,
    decide: (pair: BothThere) => { result: T; change?: Change },
  ): Promise<T> {
    const { db, users, relations, outbox } = this.parts;
    const exhausted = () =>
      new LongwatchError('contention', 'Other requests changed the same users during every attempt; try again');
    return retry({ attempts: ATTEMPTS, exhausted }, async () => {
      const pair = await relations.between(one, other);
      const { result, change } = decide(bothThere(pair, one, other));
      if (!change) return result;
      const TransactItems = [
        ...change.users.map((user) => users.change(user)),
        ...change.items,
        ...change.starts.map((start) => outbox.recording(start)),
      ];
      if (!(await conditionHolds(() => db.client.send(new TransactWriteCommand({ TransactItems })))))
        return againAtOnce;
      for (const start of change.starts) outbox.dispatchSoon(start);
      return result;
    });
  }
}

function bothThere(pair: Pair, one: string, other: string): BothThere {
  const { one: first, other: second } = pair;
  if (!first || !second)
    throw new LongwatchError(
      'notFound',
      `There is no user ${first ? other : one}; create it with PUT /v1/users/${first ? other : one}`,
    );
  return { ...pair, one: first, other: second };
}
