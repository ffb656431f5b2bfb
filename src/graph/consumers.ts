import { Consumer, type ConsumerWatch } from '../operations/platform/streams/consumer';
import { foldingHandler } from '../operations/platform/streams/foldingHandler';
import { merchantCounters } from '../operations/fraud/merchantCounters';
import { transactionStream } from '../operations/fraud/transactionStream';
import { kinesisClient, KinesisStream } from '../gateways/streams/kinesisStream';
import type { RecordSource } from '../gateways/streams/source';
import { type ItemChange, streamsClient, TableStream } from '../gateways/streams/tableStream';
import type { DecisionBatches } from '../operations/fraud/decisionBatches';
import { CheckpointStore } from '../stores/platform/checkpoints';
import type { DeadLetterStore } from '../stores/platform/deadLetters';
import { MerchantStore } from '../stores/fraud/merchants';
import type { TableName } from '../stores/tables';
import { TRANSACTION_HISTORY_STREAM, TRANSACTIONS_STREAM } from '../domain/platform/workflows';
import { type ReadStream, readStream, type Shared } from './part';

/** The stream of one of our tables; the table has one in `tables`. */
export function tableStream({ config, endpoints, db, dynamodb, metrics }: Pick<Shared, 'config' | 'endpoints' | 'db' | 'dynamodb' | 'metrics'>, table: TableName): RecordSource<ItemChange> {
  return new TableStream(dynamodb, streamsClient({ region: config.AWS_REGION, ...endpoints.dynamodb, watch: metrics.gateways.call }), db.table(table));
}

/** The streams of fraud decisions: merchants' counters, and transactions where a Kinesis is configured. */
export function fraudStreams(shared: Shared, decisionBatches: DecisionBatches): ReadStream[] {
  const { config, endpoints, db } = shared;
  const streams = [
    readStream({
      name: TRANSACTION_HISTORY_STREAM,
      summary: 'Merchants’ counters from the history of transactions',
      source: tableStream(shared, 'TransactionHistory'),
      handler: foldingHandler(merchantCounters(new MerchantStore(db))),
    }),
  ];
  if (!endpoints.kinesis) return streams;
  const { stream, ...kinesis } = endpoints.kinesis;
  return [
    ...streams,
    readStream({
      name: TRANSACTIONS_STREAM,
      summary: 'Decides the transactions of the Kinesis stream',
      source: new KinesisStream(kinesisClient({ region: config.AWS_REGION, ...kinesis, watch: shared.metrics.gateways.call }), stream),
      handler: transactionStream(decisionBatches, config.LONGWATCH_STREAM_BATCH),
    }),
  ];
}

/** Whoever reads a stream, by its name. */
export function buildConsumers({ db, metrics, logger, note }: Shared, deadLetters: DeadLetterStore, streams: readonly ReadStream[]): Record<string, Consumer<never>> {
  const checkpoints = new CheckpointStore(db);
  return Object.fromEntries(
    streams.map(({ name, source, handler, trimmed }) => {
      const consumer = new Consumer({ stream: name, source, handler, db, checkpoints, deadLetters, watch: watchOf(name, { metrics, logger, note }, trimmed) });
      return [name, consumer as unknown as Consumer<never>];
    }),
  );
}

function watchOf(stream: string, { metrics, logger, note }: Pick<Shared, 'metrics' | 'logger' | 'note'>, trimmed?: () => void): ConsumerWatch {
  metrics.streams.opened(stream);
  return {
    batch(batch) {
      metrics.streams.batch(stream, batch);
      if (batch.deadLetters > 0) note({ area: 'platform', tone: 'problem', text: `record of ${stream} could not be processed: a dead letter`, count: batch.deadLetters });
    },
    refused: (error, { shardId, position }) => logger.error({ err: error, stream, shard: shardId, position }, 'a record fails for good and was kept as a dead letter'),
    lag: (shardId, ms) => metrics.streams.lag(stream, shardId, ms),
    left: (shardId) => metrics.streams.left(stream, shardId),
    trimmed(error) {
      metrics.streams.trimmed(stream);
      note({ area: 'platform', tone: 'problem', text: `The stream ${stream} was trimmed before it was read` });
      logger.error({ err: error, stream }, 'the stream was trimmed before it was read: records are lost to what it feeds');
      trimmed?.();
    },
  };
}
