import { setTimeout as sleep } from 'node:timers/promises';
import { defined } from '../../../domain/defined';
import { isPermanent, LongwatchError, reasonOf } from '../../../domain/errors';
import type { StreamShard, ShardProgress, ShardReport } from '../../../domain/platform/streams';
import {
  type Batch,
  type RecordSource,
  type ShardPosition,
  type StreamRecord,
  TrimmedError,
} from '../../../gateways/streams/source';
import type { Checkpoint, CheckpointStore, Lease } from '../../../stores/platform/checkpoints';
import {
  type DeadLetter,
  type DeadLetterStore,
  MAX_RECORD_BYTES,
  REDRIVE_LIMIT,
} from '../../../stores/platform/deadLetters';
import type { Db } from '../../../stores/dynamodb';
import type { TransactItem } from '../../../stores/platform/outbox';
import { transact } from '../../../stores/transact';
import { entrySpan, SpanKind } from '../../../telemetry/spans';
import { again, retry } from '../../../timing/retry';
import { isolate } from '../isolate';
import { within } from '../../../timing/deadline';
import type { Handled, Poison, StreamHandler } from './streamHandler';

export interface ConsumerParts<T> {
  /** Name of the stream. */
  stream: string;
  source: RecordSource<T>;
  handler: StreamHandler<T>;
  db: Db;
  checkpoints: CheckpointStore;
  deadLetters: DeadLetterStore;
  watch?: ConsumerWatch;
}

/** Told what a consumer does, for metrics and logs. */
export interface ConsumerWatch {
  batch?(batch: {
    shardId: string;
    records: number;
    seconds: number;
    counts: Readonly<Record<string, number>>;
    deadLetters: number;
  }): void;
  lag?(shardId: string, milliseconds: number): void;
  /** This process does not read the shard any more. */
  left?(shardId: string): void;
  trimmed?(error: TrimmedError): void;
  /** A record was set aside because handling or writing it fails for good. */
  refused?(error: unknown, record: { shardId: string; position: string }): void;
}

export interface Beat {
  /** Called at least after every batch. */
  heartbeat(progress: ShardProgress): void;
  /** Aborted when this attempt is to stop. */
  signal: AbortSignal;
  /** How long one attempt reads. */
  forMs: number;
}

const READ_LIMIT = 1_000;
const IDLE_MS = 250;
const ATTEMPTS = 8;
/** DynamoDB's limit of one transaction. */
const MAX_ITEMS = 100;
/** Bytes of dead letters in one transaction: half of DynamoDB's 4 MB, so that the effects have room. */
const MAX_LETTER_BYTES = 2 * 1024 * 1024;
/** A batch that takes longer than this is still alive: well within the activity's heartbeat timeout. */
const ALIVE_MS = 5_000;

/** Reads shards of one stream; what must happen once happens in one transaction with the checkpoint. */
export class Consumer<T> {
  constructor(private readonly parts: ConsumerParts<T>) {}

  /** Shards to be read now: not ended, and with no listed parent that has not ended. */
  async openShards(): Promise<StreamShard[]> {
    const { source, checkpoints, stream } = this.parts;
    const shards = await source.listShards();
    const ended = new Map<string, boolean>();
    await Promise.all(
      shards.map(async ({ shardId }) => ended.set(shardId, (await checkpoints.read(stream, shardId)).ended)),
    );
    return shards.filter(
      ({ shardId, parentIds }) => !ended.get(shardId) && parentIds.every((id) => ended.get(id) !== false),
    );
  }

  /** How a shard goes by in checkpoints, by the id that the service gives it. */
  shardName(id: string): Promise<string> {
    return this.parts.source.shardName(id);
  }

  /**
   * Takes the lease on a shard and reads the shard from its checkpoint until its end, the time, or the signal.
   * @throws LongwatchError `contention` when another reader took the lease meanwhile.
   */
  async consume(shardId: string, beat: Beat): Promise<ShardReport> {
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
   * Handles records of one shard that Lambda has read, in their order. Records up to the checkpoint have had their
   * effect
   * and are skipped, so an event that comes again does nothing twice, whoever applied it the first time. Each
   * invocation
   * takes the lease: when two overlap (Lambda repeats an event whose invocation timed out), the later one goes on and
   * the earlier one applies nothing more.
   * @returns the first record that is to come again, with all that follow it, and why; neither when all are done.
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

  /**
   * Handles dead letters' records once more. What is processed now is struck off in one transaction with its effects.
   * @param letters at most REDRIVE_LIMIT, whole ones.
   * @returns for each why it still cannot be processed, or undefined.
   */
  redrive(letters: readonly DeadLetter[], signal: AbortSignal): Promise<(string | undefined)[]> {
    if (letters.length > REDRIVE_LIMIT) throw new RangeError(`At most ${REDRIVE_LIMIT} letters at once`);
    return isolate(
      letters,
      (some) => this.redriveWhole(some, signal),
      (_, error) => reasonOf(error),
    );
  }

  private async redriveWhole(letters: readonly DeadLetter[], signal: AbortSignal): Promise<(string | undefined)[]> {
    const { source, handler, deadLetters, db, watch, stream } = this.parts;
    const records = letters.map(({ position, arrivedAt, record }): StreamRecord<T> => ({
      position,
      arrivedAt,
      data: source.fromBytes(record),
    }));
    const exhausted = () => new LongwatchError('contention', `Dead letters of ${stream} keep losing their race`);
    return retry({ attempts: ATTEMPTS, exhausted }, async () => {
      const started = performance.now();
      const { effects, poison, counts } = await handler.handle(records, signal);
      const reasons = new Map(poison.map(({ record, reason }) => [record, reason]));
      const done = letters.filter((_, i) => !reasons.has(records[i] as StreamRecord<T>));
      const lost =
        done.length === 0
          ? undefined
          : await writeGuarded(
              db,
              done.map((letter) => deadLetters.strikeOff(letter)),
              effects,
            );
      if (lost === undefined) {
        if (done[0])
          watch?.batch?.({
            shardId: done[0].shardId,
            records: done.length,
            seconds: (performance.now() - started) / 1000,
            counts,
            deadLetters: 0,
          });
        return records.map((record) => reasons.get(record));
      }
      // Somebody re-drives some of them at the same time, and did those.
      if (lost === 'condition' && letters.length === 1) return [undefined];
      if (lost === 'condition') {
        const each: (string | undefined)[] = [];
        for (const letter of letters) each.push(...(await this.redriveWhole([letter], signal)));
        return each;
      }
      return again;
    });
  }
}

/** One reading of a shard, from its checkpoint on. */
class Attempt<T> {
  private readonly started = Date.now();
  private readonly counts: Record<string, number> = {};
  private records = 0;
  private batches = 0;
  private behindMs = 0;

  constructor(
    private readonly parts: ConsumerParts<T>,
    private readonly shardId: string,
    private readonly beat: Pick<Beat, 'heartbeat'>,
    private readonly stop: AbortSignal,
    private lease: Lease,
  ) {}

  /** @returns whether the shard has ended. */
  async run(): Promise<boolean> {
    let reading = this.read(await this.iterator(), 0);
    while (!this.stop.aborted) {
      const batch = await reading;
      if (!batch) {
        reading = this.read(await this.iterator(), 0);
        continue;
      }
      const isEmpty = batch.records.length === 0;
      // The next read is under way while this one is handled.
      if (batch.next !== undefined) reading = this.read(batch.next, isEmpty ? IDLE_MS : this.parts.source.readEveryMs);
      const readAt = Date.now();
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

  report(ended: boolean): ShardReport {
    const { seconds, ...progress } = this.progress();
    return { ended, seconds, ...progress, batches: this.batches, counts: this.counts };
  }

  private progress(): ShardProgress {
    return {
      ...defined({ position: this.lease.position }),
      records: this.records,
      seconds: (Date.now() - this.started) / 1000,
      millisBehindLatest: this.behindMs,
    };
  }

  private async iterator(): Promise<string> {
    const { source, watch } = this.parts;
    const { position, caughtUpAt = Date.now() } = this.lease;
    const from: ShardPosition | undefined = position === undefined ? undefined : { after: position, caughtUpAt };
    try {
      return await source.iterator(this.shardId, from);
    } catch (error) {
      if (!(error instanceof TrimmedError) || from === undefined) throw error;
      // Records were lost to us. Say so, loudly, and read what is still there.
      watch?.trimmed?.(error);
      return source.iterator(this.shardId, undefined);
    }
  }

  private read(iterator: string, afterMs: number): Promise<Batch<T> | undefined> {
    const reading = (async () => {
      // Woken by the signal: the loop ends.
      if (afterMs > 0) await sleep(afterMs, undefined, { signal: this.stop }).catch(() => undefined);
      return this.parts.source.read(iterator, READ_LIMIT);
    })();
    reading.catch(() => undefined); // Thrown where it is awaited; it may fail before that, or never be.
    return reading;
  }

  /** A batch is a trace of its own, which what it owes goes on with. */
  private traced<R>(records: number, work: () => Promise<R>): Promise<R> {
    const attributes = { 'messaging.destination.name': this.parts.stream, 'messaging.batch.message_count': records };
    return entrySpan(`stream ${this.parts.stream}`, { kind: SpanKind.CONSUMER, attributes }, work);
  }

  /**
   * One batch: its effects and the checkpoint, all or nothing. Where a record makes the batch fail for good, the batch
   * is
   * bisected down to that record, which becomes a dead letter; its neighbours are applied, in order.
   * @returns false when this attempt is to stop.
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
   * Keeps a record as a dead letter and moves on. Where that is refused, too, the attempt fails and the record stays in
   * the stream.
   */
  private async setAside(record: StreamRecord<T>, error: unknown, behindMs: number): Promise<boolean> {
    const started = performance.now();
    const to = { position: record.position, caughtUpAt: record.arrivedAt, ended: false };
    await this.advance(to, this.letters([{ record, reason: reasonOf(error) }]));
    this.parts.watch?.refused?.(error, { shardId: this.shardId, position: record.position });
    this.moved(to, behindMs);
    this.count(1, {}, 1, (performance.now() - started) / 1000);
    return true;
  }

  /**
   * @returns `too large` where the batch's effects and dead letters do not fit one transaction; nothing is written
   * then.
   */
  private async applyWhole(part: readonly StreamRecord<T>[], behindMs: number): Promise<boolean | 'too large'> {
    const { checkpoints, stream, db } = this.parts;
    const last = part.at(-1);
    if (!last) throw new RangeError('A batch holds at least one record');
    const started = performance.now();
    const exhausted = () => new LongwatchError('contention', `Batches of ${this.shardId} keep losing their race`);
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
        this.count(part.length, counts, poison.length, (performance.now() - started) / 1000);
        return true;
      }
      if (lost === 'condition') throw this.lostLease();
      return again;
    });
  }

  /** @returns undefined when this attempt is to stop: the batch comes again. */
  private async handle(part: readonly StreamRecord<T>[]): Promise<Handled<T> | undefined> {
    if (this.stop.aborted) return undefined;
    const alive = setInterval(() => this.beat.heartbeat(this.progress()), ALIVE_MS);
    try {
      return await this.parts.handler.handle(part, this.stop);
    } catch (error) {
      if (this.stop.aborted) return undefined; // It was waiting for something.
      throw error;
    } finally {
      clearInterval(alive);
    }
  }

  /**
   * Dead letters appear with the checkpoint that moves past their records. Race: if they were written before it, an
   * operator could re-drive one whose record a second reader then handles again, or a stale reader could bring it back.
   */
  private letters(poison: readonly Poison<T>[]): TransactItem[] {
    const { deadLetters, source, stream } = this.parts;
    const at = Date.now();
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
    this.behindMs = Math.max(behindMs, Date.now() - to.caughtUpAt);
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

  /** Stores how far this attempt has read, so that an idle shard does not look like an unread one. */
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

/** @param letterBytes sizes of the dead letters' records. */
const fitsOneTransaction = (effects: number, letterBytes: readonly number[]): boolean =>
  1 + effects + letterBytes.length <= MAX_ITEMS &&
  letterBytes.reduce((sum, bytes) => sum + Math.min(bytes, MAX_RECORD_BYTES), 0) <= MAX_LETTER_BYTES;

/** Sequence numbers are integers of more digits than a number has. */
const isAfter = (position: string, than: string): boolean => BigInt(position) > BigInt(than);

/** @returns `condition` when a guard's condition failed, `raced` when an effect's did or another write held an item. */
async function writeGuarded(
  db: Db,
  guards: TransactItem | readonly TransactItem[],
  effects: readonly TransactItem[],
): Promise<'condition' | 'raced' | undefined> {
  const cancelled = await transact(db, { guards, effects });
  return cancelled && (cancelled.lost.has('guards') ? 'condition' : 'raced');
}
