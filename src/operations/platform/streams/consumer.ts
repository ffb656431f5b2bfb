import { defined } from '../../../domain/defined';
import { isPermanent, LongwatchError, reasonOf } from '../../../domain/errors';
import {
  readableShards,
  type ShardProgress,
  type ShardReport,
  type StreamShard,
} from '../../../domain/platform/streams';
import {
  type Batch,
  type RecordSource,
  type ShardPosition,
  type StreamRecord,
  TrimmedError,
} from '../../../gateways/streams/source';
import type { Checkpoint, CheckpointStore, Lease } from '../../../stores/platform/checkpoints';
import { type DeadLetter, type DeadLetterStore, MAX_RECORD_BYTES } from '../../../stores/platform/deadLetters';
import type { Db } from '../../../stores/dynamodb';
import type { TransactItem } from '../../../stores/platform/outbox';
import { entrySpan, SpanKind } from '../../../telemetry/spans';
import { again, retry } from '../../../timing/retry';
import { within } from '../../../timing/deadline';
import type { ConsumerWatch } from './consumerWatch';
import type { Handled, Poison, StreamHandler } from './streamHandler';
import { StreamRedriver } from './streamRedriver';
import { writeGuarded } from './writeGuarded';
import { type Clock, monotonicClock, systemClock } from '../../../timing/clock';

/** The parts that {@link Consumer} needs. */
export interface ConsumerParts<T> {
  /** Name of the stream in checkpoints, dead letters and metrics. */
  stream: string;
  source: RecordSource<T>;
  handler: StreamHandler<T>;
  db: Db;
  checkpoints: CheckpointStore;
  deadLetters: DeadLetterStore;
  watch?: ConsumerWatch;
  clock?: Clock;
}

/** Controls one attempt at reading a shard. */
export interface ReadAttempt {
  /** Called at least after every batch. */
  heartbeat(progress: ShardProgress): void;
  /** Aborts when this attempt must stop. */
  signal: AbortSignal;
  /** Duration of one attempt, in milliseconds. */
  forMs: number;
}

const READ_LIMIT = 1_000;
const IDLE_MS = 250;
const ATTEMPTS = 8;
/** DynamoDB's limit of items in one transaction. */
const MAX_ITEMS = 100;
/** Maximum bytes of dead letters in one transaction: half of DynamoDB's 4 MB limit, so that the effects have room. */
const MAX_LETTER_BYTES = 2 * 1024 * 1024;
/**
 * Time between two heartbeats while a batch is processed. It is well below the activity's heartbeat timeout (30
 * seconds).
 */
const ALIVE_MS = 5_000;

/**
 * Reads the shards of one stream. Writes effects that must happen exactly once in one transaction with the checkpoint.
 */
export class Consumer<T> {
  private readonly redriver: StreamRedriver<T>;

  constructor(private readonly parts: ConsumerParts<T>) {
    this.redriver = new StreamRedriver(parts);
  }

  /** Returns the shards to read now, as {@link readableShards} selects them by their checkpoints. */
  async openShards(): Promise<StreamShard[]> {
    const { source, checkpoints, stream } = this.parts;
    const shards = await source.listShards();
    const ended = new Map<string, boolean>();
    await Promise.all(
      shards.map(async ({ shardId }) => ended.set(shardId, (await checkpoints.read(stream, shardId)).ended)),
    );
    return readableShards(shards, ended);
  }

  /** Returns the name of a shard in checkpoints, for the id that the service gives the shard. */
  shardName(id: string): Promise<string> {
    return this.parts.source.shardName(id);
  }

  /**
   * Takes the lease of a shard and reads the shard from its checkpoint until the shard ends, the time is over, or the
   * signal aborts.
   * @throws LongwatchError `contention` if another reader took the lease meanwhile
   */
  async consume(shardId: string, beat: ReadAttempt): Promise<ShardReport> {
    const lease = await this.parts.checkpoints.lease(this.parts.stream, shardId);
    try {
      return await within(beat.signal, beat.forMs, async (stop) => {
        const attempt = new Attempt(this.parts, shardId, beat, stop, lease);
        return attempt.report(lease.ended || (await attempt.run()));
      });
    } finally {
      this.parts.watch?.left?.(shardId);
    }
  }

  /**
   * Processes records of one shard that Lambda read, in their order. Skips records up to the checkpoint: their effects
   * are already written, so a repeated event has no second effect, whichever reader applied it. Each invocation takes
   * the lease. If two invocations overlap, because Lambda repeats an event whose invocation timed out, the later one
   * continues and the earlier one can write nothing more.
   * @returns the first record that Lambda must deliver again, with all records after it, and the error; neither if all
   *   records are processed
   */
  async take(
    shardId: string,
    records: readonly StreamRecord<T>[],
    signal: AbortSignal,
  ): Promise<{ again?: StreamRecord<T>; error?: unknown }> {
    const { checkpoints, stream, handler } = this.parts;
    let left = records;
    try {
      const lease = await checkpoints.lease(stream, shardId);
      const { position, ended } = lease;
      left = ended ? [] : records.filter((record) => position === undefined || isAfter(record.position, position));
      const attempt = new Attempt(this.parts, shardId, { heartbeat: () => undefined }, signal, lease);
      for (const part of handler.batches(left)) {
        if (!(await attempt.apply(part, 0))) break;
        left = left.slice(part.length);
      }
      return left[0] === undefined ? {} : { again: left[0] };
    } catch (error) {
      return left[0] === undefined ? { error } : { again: left[0], error };
    }
  }

  /** Processes the records of dead letters again, as {@link StreamRedriver} does. */
  redrive(letters: readonly DeadLetter[], signal: AbortSignal): Promise<(string | undefined)[]> {
    return this.redriver.redrive(letters, signal);
  }
}

/** One attempt at reading a shard, from its checkpoint. */
class Attempt<T> {
  private readonly clock: Clock;
  private readonly started: number;
  private readonly counts: Record<string, number> = {};
  private records = 0;
  private batches = 0;
  private behindMs = 0;

  constructor(
    private readonly parts: ConsumerParts<T>,
    private readonly shardId: string,
    private readonly beat: Pick<ReadAttempt, 'heartbeat'>,
    private readonly stop: AbortSignal,
    private lease: Lease,
  ) {
    this.clock = parts.clock ?? systemClock;
    this.started = this.clock.now();
  }

  /**
   * Reads and applies batches until the shard ends or the attempt must stop.
   * @returns whether the shard has ended
   */
  async run(): Promise<boolean> {
    let reading = this.read(await this.iterator(), 0);
    while (!this.stop.aborted) {
      const batch = await reading;
      if (!batch) {
        reading = this.read(await this.iterator(), 0);
        continue;
      }
      const isEmpty = batch.records.length === 0;
      // Start the next read now, so that it runs while this batch is processed.
      if (batch.next !== undefined) reading = this.read(batch.next, isEmpty ? IDLE_MS : this.parts.source.readEveryMs);
      const readAt = this.clock.now();
      for (const part of this.parts.handler.batches(batch.records))
        if (!(await this.traced(part.length, () => this.apply(part, batch.behindMs ?? 0)))) return false;
      if (batch.next === undefined) {
        await this.end();
        return true;
      }
      if (isEmpty && (batch.behindMs ?? 0) === 0) this.caughtUp(readAt);
    }
    await this.remember();
    return false;
  }

  /** Returns the result of this attempt. */
  report(ended: boolean): ShardReport {
    const { seconds, ...progress } = this.progress();
    return { ended, seconds, ...progress, batches: this.batches, counts: this.counts };
  }

  private progress(): ShardProgress {
    return {
      ...defined({ position: this.lease.position }),
      records: this.records,
      seconds: (this.clock.now() - this.started) / 1000,
      millisBehindLatest: this.behindMs,
    };
  }

  private async iterator(): Promise<string> {
    const { source, watch } = this.parts;
    const { position, caughtUpAt = this.clock.now() } = this.lease;
    const from: ShardPosition | undefined = position === undefined ? undefined : { after: position, caughtUpAt };
    try {
      return await source.iterator(this.shardId, from);
    } catch (error) {
      if (!(error instanceof TrimmedError) || from === undefined) throw error;
      // The stream deleted records before this consumer read them. Report the loss, then continue with the oldest
      // record that the stream still has.
      watch?.onGap?.(error);
      return source.iterator(this.shardId, undefined);
    }
  }

  private read(iterator: string, afterMs: number): Promise<Batch<T> | undefined> {
    const reading = (async () => {
      // When the signal aborts the pause, the loop ends.
      if (afterMs > 0) await this.clock.sleep(afterMs, this.stop).catch(() => undefined);
      return this.parts.source.read(iterator, READ_LIMIT);
    })();
    // The caller gets the error when it awaits the read. This avoids an unhandled rejection if the read fails earlier
    // or is never awaited.
    reading.catch(() => undefined);
    return reading;
  }

  /** Runs a batch in a trace of its own. The outbox entries that the batch records continue this trace. */
  private traced<R>(records: number, work: () => Promise<R>): Promise<R> {
    const attributes = { 'messaging.destination.name': this.parts.stream, 'messaging.batch.message_count': records };
    return entrySpan(`stream ${this.parts.stream}`, { kind: SpanKind.CONSUMER, attributes }, work);
  }

  /**
   * Writes the effects of a batch and the checkpoint in one transaction. If a record makes the batch fail permanently,
   * bisects the batch until that record is alone and makes it a dead letter. The other records are applied, in order.
   * @returns false if this attempt must stop
   */
  async apply(part: readonly StreamRecord<T>[], behindMs: number): Promise<boolean> {
    try {
      const done = await this.applyWhole(part, behindMs);
      if (done !== 'too large') return done;
    } catch (error) {
      const [first] = part;
      if (first === undefined || !isPermanent(error)) throw error;
      if (part.length === 1) return this.setAside(first, error, behindMs);
    }
    const middle = Math.ceil(part.length / 2);
    return (await this.apply(part.slice(0, middle), behindMs)) && this.apply(part.slice(middle), behindMs);
  }

  /**
   * Stores a record as a dead letter and moves the checkpoint past it. If DynamoDB refuses this too, the attempt fails
   * and the record stays in the stream.
   */
  private async setAside(record: StreamRecord<T>, error: unknown, behindMs: number): Promise<boolean> {
    const started = monotonicClock.now();
    const to = { position: record.position, caughtUpAt: record.arrivedAt, ended: false };
    await this.advance(to, this.letters([{ record, reason: reasonOf(error) }]));
    this.parts.watch?.refused?.(error, { shardId: this.shardId, position: record.position });
    this.moved(to, behindMs);
    this.count(1, {}, 1, (monotonicClock.now() - started) / 1000);
    return true;
  }

  /**
   * Applies a batch without bisecting it.
   * @returns `too large` if the batch's effects and dead letters do not fit into one transaction, and nothing was
   *   written; false if this attempt must stop
   */
  private async applyWhole(part: readonly StreamRecord<T>[], behindMs: number): Promise<boolean | 'too large'> {
    const { checkpoints, stream, db } = this.parts;
    const last = part.at(-1);
    if (!last) throw new RangeError('A batch must have at least one record');
    const started = monotonicClock.now();
    const exhausted = () =>
      new LongwatchError(
        'contention',
        `A batch of ${this.shardId} could not be written, because other writers change the same items`,
      );
    return retry({ attempts: ATTEMPTS, exhausted }, async () => {
      const handled = await this.handle(part);
      if (!handled) return false;
      const { effects, poison, counts } = handled;
      if (
        part.length > 1 &&
        !fitsOneTransaction(
          effects.length,
          poison.map(({ record }) => this.parts.source.toBytes(record.data).length),
        )
      )
        return 'too large';
      const to = { position: last.position, caughtUpAt: last.arrivedAt, ended: false };
      const lost = await writeGuarded(db, checkpoints.advance(stream, this.shardId, this.lease, to), [
        ...this.letters(poison),
        ...effects,
      ]);
      if (lost === undefined) {
        this.moved(to, behindMs);
        this.count(part.length, counts, poison.length, (monotonicClock.now() - started) / 1000);
        return true;
      }
      if (lost === 'condition') throw this.lostLease();
      return again;
    });
  }

  /**
   * Calls the handler, and sends heartbeats while it works.
   * @returns undefined if this attempt must stop; the next attempt reads the batch again
   */
  private async handle(part: readonly StreamRecord<T>[]): Promise<Handled<T> | undefined> {
    if (this.stop.aborted) return undefined;
    const alive = setInterval(() => this.beat.heartbeat(this.progress()), ALIVE_MS);
    try {
      return await this.parts.handler.handle(part, this.stop);
    } catch (error) {
      if (this.stop.aborted) return undefined; // The handler stopped waiting because the signal aborted.
      throw error;
    } finally {
      clearInterval(alive);
    }
  }

  /**
   * Returns the items that store records as dead letters, for the transaction that moves the checkpoint past these
   * records. Race: if letters were written earlier, an operator could redrive a letter whose record a second reader
   * then processes again, or a reader that lost its lease could write the letter again.
   */
  private letters(poison: readonly Poison<T>[]): TransactItem[] {
    const { deadLetters, source, stream } = this.parts;
    const at = this.clock.now();
    return poison.map(({ record, reason }) =>
      deadLetters.keeping({
        source: stream,
        shardId: this.shardId,
        position: record.position,
        reason,
        record: source.toBytes(record.data),
        arrivedAt: record.arrivedAt,
        at,
      }),
    );
  }

  private moved(to: Checkpoint & { caughtUpAt: number }, behindMs: number): void {
    this.lease = { ...this.lease, ...to };
    this.behindMs = Math.max(behindMs, this.clock.now() - to.caughtUpAt);
  }

  private count(records: number, counts: Readonly<Record<string, number>>, deadLetters: number, seconds: number): void {
    this.records += records;
    this.batches++;
    for (const [name, count] of Object.entries(counts)) this.counts[name] = (this.counts[name] ?? 0) + count;
    if (deadLetters > 0) this.counts['dead letters'] = (this.counts['dead letters'] ?? 0) + deadLetters;
    this.parts.watch?.batch?.({ shardId: this.shardId, records, seconds, counts, deadLetters });
    this.parts.watch?.lag?.(this.shardId, this.behindMs);
    this.beat.heartbeat(this.progress());
  }

  private caughtUp(at: number): void {
    this.behindMs = 0;
    this.lease = { ...this.lease, caughtUpAt: at };
    this.parts.watch?.lag?.(this.shardId, 0);
    this.beat.heartbeat(this.progress());
  }

  /**
   * Stores how far this attempt has read. Without this, the checkpoint of an idle shard would look as if nobody reads
   * the shard.
   */
  private async remember(): Promise<void> {
    const { position, caughtUpAt } = this.lease;
    if (position === undefined || caughtUpAt === undefined) return;
    await this.advance({ position, caughtUpAt, ended: false });
  }

  private async end(): Promise<void> {
    const { position } = this.lease;
    this.behindMs = 0;
    await this.advance({ ...defined({ position }), ended: true });
  }

  private async advance(to: Checkpoint, letters: readonly TransactItem[] = []): Promise<void> {
    const { checkpoints, stream, db } = this.parts;
    const lost = await writeGuarded(db, checkpoints.advance(stream, this.shardId, this.lease, to), letters);
    if (lost === 'condition') throw this.lostLease();
    if (lost)
      throw new LongwatchError(
        'contention',
        `The checkpoint of ${this.shardId} was being written by another reader; try again`,
      );
  }

  private lostLease(): LongwatchError {
    return new LongwatchError(
      'contention',
      `Another reader of ${this.shardId} (${this.parts.stream}) took the lease or moved the checkpoint; this ` +
        'reader stops',
    );
  }
}

/**
 * Returns whether the checkpoint, effects and dead letters fit into one transaction.
 * @param letterBytes sizes of the dead letters' records
 */
const fitsOneTransaction = (effects: number, letterBytes: readonly number[]): boolean =>
  1 + effects + letterBytes.length <= MAX_ITEMS &&
  letterBytes.reduce((sum, bytes) => sum + Math.min(bytes, MAX_RECORD_BYTES), 0) <= MAX_LETTER_BYTES;

/** Compares sequence numbers. They are integers with more digits than a JavaScript number can represent. */
const isAfter = (position: string, than: string): boolean => BigInt(position) > BigInt(than);
