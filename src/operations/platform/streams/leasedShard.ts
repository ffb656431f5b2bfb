import { defined } from '../../../domain/defined';
import { LongwatchError } from '../../../domain/errors';
import type { ShardProgress, ShardReport } from '../../../domain/platform/streams';
import type { Db } from '../../../stores/dynamodb';
import type { Checkpoint, CheckpointStore, Lease } from '../../../stores/platform/checkpoints';
import type { TransactItem } from '../../../stores/platform/outbox';
import { type Clock, systemClock } from '../../../timing/clock';
import type { ConsumerWatch } from './consumerWatch';
import { writeGuarded } from './writeGuarded';

/** The parts that {@link LeasedShard} needs. */
export interface LeasedShardParts {
  /** Name of the stream in checkpoints, dead letters and metrics. */
  stream: string;
  db: Db;
  checkpoints: CheckpointStore;
  watch?: ConsumerWatch;
  clock?: Clock;
}

/** A checkpoint at a record, whose time of arrival says how far the reader is behind. */
export type RecordCheckpoint = Checkpoint & { caughtUpAt: number };

/** The result of a batch whose effects and checkpoint are written. */
export interface AppliedBatch {
  records: number;
  counts: Readonly<Record<string, number>>;
  deadLetters: number;
  seconds: number;
}

/** A shard whose lease one attempt at reading has: moves the checkpoint, and counts what the attempt processed. */
export class LeasedShard {
  private readonly clock: Clock;
  private readonly started: number;
  private readonly counts: Record<string, number> = {};
  private records = 0;
  private batches = 0;
  private behindMs = 0;

  constructor(
    private readonly parts: LeasedShardParts,
    readonly shardId: string,
    private lease: Lease,
    private readonly heartbeat: (progress: ShardProgress) => void,
  ) {
    this.clock = parts.clock ?? systemClock;
    this.started = this.clock.now();
  }

  /** The last checkpoint. */
  get checkpoint(): Readonly<Checkpoint> {
    return this.lease;
  }

  /** Returns the result of this attempt. */
  report(ended: boolean): ShardReport {
    const { seconds, ...progress } = this.progress();
    return { ended, seconds, ...progress, batches: this.batches, counts: this.counts };
  }

  /** Reports the progress to Temporal, so that the activity counts as alive. */
  beat(): void {
    this.heartbeat(this.progress());
  }

  /**
   * Writes a checkpoint and items in one transaction.
   * @returns `raced` if nothing was written, because the condition of an item failed or another write was in progress
   *   on an item
   * @throws LongwatchError `contention` if another reader has the lease
   */
  async write(to: Checkpoint, items: readonly TransactItem[]): Promise<'raced' | undefined> {
    const { checkpoints, stream, db } = this.parts;
    const lost = await writeGuarded(db, checkpoints.advance(stream, this.shardId, this.lease, to), items);
    if (lost !== 'condition') return lost;
    throw new LongwatchError(
      'contention',
      `Another reader of ${this.shardId} (${stream}) took the lease or moved the checkpoint; this reader stops`,
    );
  }

  /**
   * Writes a checkpoint and dead letters in one transaction.
   * @throws LongwatchError `contention` if another reader has the lease or writes at the same time
   */
  async advance(to: Checkpoint, letters: readonly TransactItem[] = []): Promise<void> {
    if (await this.write(to, letters))
      throw new LongwatchError(
        'contention',
        `The checkpoint of ${this.shardId} was being written by another reader; try again`,
      );
  }

  /** Counts a batch that was written. @param behindMs how far the batch was behind the end of the stream. */
  applied(to: RecordCheckpoint, behindMs: number, { records, counts, deadLetters, seconds }: AppliedBatch): void {
    this.lease = { ...this.lease, ...to };
    this.behindMs = Math.max(behindMs, this.clock.now() - to.caughtUpAt);
    this.records += records;
    this.batches++;
    for (const [name, count] of Object.entries(counts)) this.counts[name] = (this.counts[name] ?? 0) + count;
    if (deadLetters > 0) this.counts['dead letters'] = (this.counts['dead letters'] ?? 0) + deadLetters;
    this.parts.watch?.batch?.({ shardId: this.shardId, records, seconds, counts, deadLetters });
    this.parts.watch?.lag?.(this.shardId, this.behindMs);
    this.beat();
  }

  /** Notes that no record was left at an instant. @param at epoch ms. */
  caughtUp(at: number): void {
    this.behindMs = 0;
    this.lease = { ...this.lease, caughtUpAt: at };
    this.parts.watch?.lag?.(this.shardId, 0);
    this.beat();
  }

  /**
   * Stores how far this attempt has read. Without this, the checkpoint of an idle shard would look as if nobody reads
   * the shard.
   */
  async remember(): Promise<void> {
    const { position, caughtUpAt } = this.lease;
    if (position === undefined || caughtUpAt === undefined) return;
    await this.advance({ position, caughtUpAt, ended: false });
  }

  /** Stores that the shard has ended and all its records are processed. */
  async end(): Promise<void> {
    const { position } = this.lease;
    this.behindMs = 0;
    await this.advance({ ...defined({ position }), ended: true });
  }

  private progress(): ShardProgress {
    return {
      ...defined({ position: this.lease.position }),
      records: this.records,
      seconds: (this.clock.now() - this.started) / 1000,
      millisBehindLatest: this.behindMs,
    };
  }
}
