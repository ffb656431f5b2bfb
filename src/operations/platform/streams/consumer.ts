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
import type { DeadLetter } from '../../../stores/platform/deadLetters';
import { entrySpan, SpanKind } from '../../../telemetry/spans';
import { type Clock, systemClock } from '../../../timing/clock';
import { within } from '../../../timing/deadline';
import { Bisection, type BisectionParts } from './bisection';
import { LeasedShard, type LeasedShardParts } from './leasedShard';
import { StreamRedriver } from './streamRedriver';

/** The parts that {@link Consumer} needs. */
export interface ConsumerParts<T> extends BisectionParts<T>, LeasedShardParts {
  source: RecordSource<T>;
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
        const shard = new LeasedShard(this.parts, shardId, lease, (progress) => beat.heartbeat(progress));
        return shard.report(lease.ended || (await new Attempt(this.parts, shard, stop).run()));
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
      const bisection = new Bisection(this.parts, new LeasedShard(this.parts, shardId, lease, () => undefined), signal);
      for (const part of handler.batches(left)) {
        if (!(await bisection.apply(part, 0))) break;
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
  private readonly bisection: Bisection<T>;

  constructor(
    private readonly parts: ConsumerParts<T>,
    private readonly shard: LeasedShard,
    private readonly stop: AbortSignal,
  ) {
    this.clock = parts.clock ?? systemClock;
    this.bisection = new Bisection(parts, shard, stop);
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
        if (!(await this.traced(part.length, () => this.bisection.apply(part, batch.behindMs ?? 0)))) return false;
      if (batch.next === undefined) {
        await this.shard.end();
        return true;
      }
      if (isEmpty && (batch.behindMs ?? 0) === 0) this.shard.caughtUp(readAt);
    }
    await this.shard.remember();
    return false;
  }

  private async iterator(): Promise<string> {
    const { source, watch } = this.parts;
    const { position, caughtUpAt = this.clock.now() } = this.shard.checkpoint;
    const from: ShardPosition | undefined = position === undefined ? undefined : { after: position, caughtUpAt };
    try {
      return await source.iterator(this.shard.shardId, from);
    } catch (error) {
      if (!(error instanceof TrimmedError) || from === undefined) throw error;
      // The stream deleted records before this consumer read them. Report the loss, then continue with the oldest
      // record that the stream still has.
      watch?.onGap?.(error);
      return source.iterator(this.shard.shardId, undefined);
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
}

/** Compares sequence numbers. They are integers with more digits than a JavaScript number can represent. */
const isAfter = (position: string, than: string): boolean => BigInt(position) > BigInt(than);
