import { setTimeout as sleep } from 'node:timers/promises';
import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { LongwatchError } from '../../domain/errors';
import type { StreamShard } from '../../domain/streams';
import { type RecordSource, type StreamRecord, TrimmedError } from '../../gateways/streams';
import type { CheckpointStore } from '../../stores/checkpoints';
import type { DeadLetterStore } from '../../stores/deadLetters';
import { cancellationCodes, type Db } from '../../stores/dynamodb';
import type { TransactItem } from '../../stores/ledger';
import type { ShardReport } from './types';

/** What becomes of a stream's records. */
export interface StreamHandler<T> {
  /** Records of one key fold into one item. */
  key(data: T): string;
  /** Why a record cannot be processed, or undefined. */
  check(data: T): string | undefined;
  /** The writes that a batch causes, from what is stored now; written in one transaction with the checkpoint. */
  effects(batch: readonly T[]): Promise<TransactItem[]>;
}

export interface ConsumerParts<T> {
  /** Name of the stream. */
  stream: string;
  source: RecordSource<T>;
  handler: StreamHandler<T>;
  db: Db;
  checkpoints: CheckpointStore;
  deadLetters: DeadLetterStore;
  onLag?(milliseconds: number): void;
  onTrimmed?(error: TrimmedError): void;
  onDeadLetter?(): void;
}

export interface Beat {
  /** Called after every batch with the position reached. */
  heartbeat(position: string | undefined): void;
  /** Aborted when this attempt is to stop. */
  signal: AbortSignal;
  /** How long one attempt reads. */
  forMs: number;
}

/** A transaction takes 100 items; the checkpoint is one. Each key writes an item, and so does each dead letter. */
const BATCH_ITEMS = 80;
const BATCH_RECORDS = 1_000;
const READ_LIMIT = 1_000;
const IDLE_MS = 250;
const MAX_TRIES = 8;

/** Reads shards of one stream; each batch's effects and its checkpoint are one transaction. */
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
      ({ shardId, parentId }) => !ended.get(shardId) && (parentId === undefined || ended.get(parentId) !== false),
    );
  }

  /** Reads a shard from its checkpoint until its end, the time, or the signal. */
  async consume(shardId: string, beat: Beat): Promise<ShardReport> {
    const { source, checkpoints, stream } = this.parts;
    const until = Date.now() + beat.forMs;
    const { position: start, ended } = await checkpoints.read(stream, shardId);
    let position = start;
    const report = (atEnd: boolean, records: number, behind: number): ShardReport => ({
      ended: atEnd,
      ...(position !== undefined && { position }),
      records,
      millisBehindLatest: behind,
    });
    if (ended) return report(true, 0, 0);
    let iterator = await this.iterator(shardId, position);
    let [records, behind] = [0, 0];
    while (!beat.signal.aborted && Date.now() < until) {
      const batch = await source.read(iterator, READ_LIMIT);
      if (!batch) {
        iterator = await this.iterator(shardId, position);
        continue;
      }
      for (const part of batches(batch.records, this.parts.handler)) {
        if (beat.signal.aborted) return report(false, records, behind);
        position = await this.apply(shardId, position, part);
        records += part.length;
        behind = Math.max(0, Date.now() - (part.at(-1)?.arrivedAt ?? 0));
        this.parts.onLag?.(behind);
        beat.heartbeat(position);
      }
      if (batch.next === undefined) {
        await this.write([checkpoints.advance(stream, shardId, position, { ...(position !== undefined && { position }), ended: true }, Date.now())]);
        return report(true, records, 0);
      }
      iterator = batch.next;
      if (batch.records.length === 0) {
        behind = 0;
        this.parts.onLag?.(0);
        beat.heartbeat(position);
        await sleep(IDLE_MS, undefined, { signal: beat.signal }).catch(() => undefined); // Woken by the signal: the loop ends.
      }
    }
    return report(false, records, behind);
  }

  private async iterator(shardId: string, position: string | undefined): Promise<string> {
    try {
      return await this.parts.source.iterator(shardId, position);
    } catch (error) {
      if (!(error instanceof TrimmedError) || position === undefined) throw error;
      // Records were lost to us. Say so, loudly, and read what is still there.
      this.parts.onTrimmed?.(error);
      return this.parts.source.iterator(shardId, undefined);
    }
  }

  /** One batch: effects, dead letters and checkpoint, all or nothing. Returns the new position. */
  private async apply(shardId: string, from: string | undefined, part: readonly StreamRecord<T>[]): Promise<string> {
    const { handler, checkpoints, deadLetters, stream } = this.parts;
    const last = part.at(-1);
    if (!last) throw new RangeError('A batch holds at least one record');
    const poison = part.map((record) => ({ record, reason: handler.check(record.data) }));
    const good = poison.filter(({ reason }) => reason === undefined).map(({ record }) => record.data);
    const letters = poison.flatMap(({ record, reason }) =>
      reason === undefined
        ? []
        : [deadLetters.item({ source: stream, shardId, position: record.position, reason, record: JSON.stringify(record.data), at: record.arrivedAt })],
    );
    for (let tries = 1; ; tries++) {
      const effects = await handler.effects(good);
      const checkpoint = checkpoints.advance(stream, shardId, from, { position: last.position, ended: false }, Date.now());
      const lost = await this.write([checkpoint, ...effects, ...letters]);
      if (lost === undefined) break;
      if (lost === 'fenced') throw new LongwatchError('contention', `Another reader moved the checkpoint of ${shardId}`);
      if (tries === MAX_TRIES) throw new LongwatchError('contention', `Batches of ${shardId} keep losing their race`);
      await sleep(Math.random() * 50 * tries);
    }
    letters.forEach(() => this.parts.onDeadLetter?.());
    return last.position;
  }

  private async write(TransactItems: TransactItem[]): Promise<'fenced' | 'raced' | undefined> {
    try {
      await this.parts.db.client.send(new TransactWriteCommand({ TransactItems }));
      return undefined;
    } catch (error) {
      const codes = cancellationCodes(error);
      if (!codes) throw error;
      return codes[0] === 'ConditionalCheckFailed' ? 'fenced' : 'raced';
    }
  }
}

/** Consecutive records, cut where a batch would hold too many records or write too many items. */
function* batches<T>(records: readonly StreamRecord<T>[], handler: StreamHandler<T>): Generator<StreamRecord<T>[]> {
  let batch: StreamRecord<T>[] = [];
  let items = new Set<string>();
  for (const record of records) {
    const poison = handler.check(record.data) !== undefined;
    const item = poison ? `poison ${record.position}` : `key ${handler.key(record.data)}`;
    if (batch.length >= BATCH_RECORDS || (items.size >= BATCH_ITEMS && !items.has(item))) {
      yield batch;
      [batch, items] = [[], new Set()];
    }
    batch.push(record);
    items.add(item);
  }
  if (batch.length > 0) yield batch;
}
