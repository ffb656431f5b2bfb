import { isPermanent, LongwatchError, reasonOf } from '../../../domain/errors';
import type { RecordSource, StreamRecord } from '../../../gateways/streams/source';
import { type DeadLetterStore, MAX_RECORD_BYTES } from '../../../stores/platform/deadLetters';
import type { TransactItem } from '../../../stores/platform/outbox';
import { type Clock, monotonicClock, systemClock } from '../../../timing/clock';
import { again, retry } from '../../../timing/retry';
import type { ConsumerWatch } from './consumerWatch';
import type { LeasedShard } from './leasedShard';
import type { Handled, Poison, StreamHandler } from './streamHandler';

/** The parts that {@link Bisection} needs. */
export interface BisectionParts<T> {
  /** Name of the stream in checkpoints, dead letters and metrics. */
  stream: string;
  source: Pick<RecordSource<T>, 'toBytes'>;
  handler: StreamHandler<T>;
  deadLetters: DeadLetterStore;
  watch?: ConsumerWatch;
  clock?: Clock;
}

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
 * Applies the batches of a shard. Halves a batch that is refused permanently until the refused record is alone, and
 * makes this record a dead letter.
 */
export class Bisection<T> {
  private readonly clock: Clock;

  constructor(
    private readonly parts: BisectionParts<T>,
    private readonly shard: LeasedShard,
    private readonly stop: AbortSignal,
  ) {
    this.clock = parts.clock ?? systemClock;
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
    await this.shard.advance(to, this.letters([{ record, reason: reasonOf(error) }]));
    this.parts.watch?.refused?.(error, { shardId: this.shard.shardId, position: record.position });
    this.shard.applied(to, behindMs, { records: 1, counts: {}, deadLetters: 1, seconds: secondsSince(started) });
    return true;
  }

  /**
   * Applies a batch without bisecting it.
   * @returns `too large` if the batch's effects and dead letters do not fit into one transaction, and nothing was
   *   written; false if this attempt must stop
   */
  private async applyWhole(part: readonly StreamRecord<T>[], behindMs: number): Promise<boolean | 'too large'> {
    const last = part.at(-1);
    if (!last) throw new RangeError('A batch must have at least one record');
    const started = monotonicClock.now();
    const exhausted = () =>
      new LongwatchError(
        'contention',
        `A batch of ${this.shard.shardId} could not be written, because other writers change the same items`,
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
      if (await this.shard.write(to, [...this.letters(poison), ...effects])) return again;
      const seconds = secondsSince(started);
      this.shard.applied(to, behindMs, { records: part.length, counts, deadLetters: poison.length, seconds });
      return true;
    });
  }

  /**
   * Calls the handler, and sends heartbeats while it works.
   * @returns undefined if this attempt must stop; the next attempt reads the batch again
   */
  private async handle(part: readonly StreamRecord<T>[]): Promise<Handled<T> | undefined> {
    if (this.stop.aborted) return undefined;
    const alive = setInterval(() => this.shard.beat(), ALIVE_MS);
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
        shardId: this.shard.shardId,
        position: record.position,
        reason,
        record: source.toBytes(record.data),
        arrivedAt: record.arrivedAt,
        at,
      }),
    );
  }
}

const secondsSince = (started: number): number => (monotonicClock.now() - started) / 1000;

/**
 * Returns whether the checkpoint, effects and dead letters fit into one transaction.
 * @param letterBytes sizes of the dead letters' records
 */
const fitsOneTransaction = (effects: number, letterBytes: readonly number[]): boolean =>
  1 + effects + letterBytes.length <= MAX_ITEMS &&
  letterBytes.reduce((sum, bytes) => sum + Math.min(bytes, MAX_RECORD_BYTES), 0) <= MAX_LETTER_BYTES;
