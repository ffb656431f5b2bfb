import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Logger } from 'pino';
import { Consumer, type ConsumerWatch } from '../activities/operations/consumer';
import { foldingHandler } from '../activities/operations/foldingHandler';
import { merchantCounters } from '../activities/operations/merchantCounters';
import type { StreamHandler } from '../activities/operations/streamHandler';
import { transactionStream } from '../activities/operations/transactionStream';
import type { Config } from '../config';
import type { Endpoints } from '../endpoints';
import { kinesisClient, KinesisStream } from '../gateways/streams/kinesisStream';
import type { RecordSource } from '../gateways/streams/source';
import { streamsClient, TableStream } from '../gateways/streams/tableStream';
import type { Metrics } from '../metrics';
import type { DecisionBatches } from '../operations/decisionBatches';
import { CheckpointStore } from '../stores/checkpoints';
import type { DeadLetterStore } from '../stores/deadLetters';
import type { Db } from '../stores/dynamodb';
import { MerchantStore } from '../stores/fraud/merchants';
import { TRANSACTION_HISTORY_STREAM, TRANSACTIONS_STREAM } from '../workflows/operations/declarations';

export interface ConsumersSettings {
  config: Config;
  endpoints: Endpoints;
  db: Db;
  dynamodb: DynamoDBClient;
  deadLetters: DeadLetterStore;
  decisionBatches: DecisionBatches;
  metrics: Metrics;
  logger: Logger;
}

/** Whoever reads a stream, by its name. */
export function buildConsumers({ config, endpoints, db, dynamodb, deadLetters, decisionBatches, metrics, logger }: ConsumersSettings): Record<string, Consumer<never>> {
  const consumers: Record<string, Consumer<never>> = {};
  const checkpoints = new CheckpointStore(db);
  const consume = <T>(stream: string, source: RecordSource<T>, handler: StreamHandler<T>): void => {
    consumers[stream] = new Consumer({ stream, source, handler, db, checkpoints, deadLetters, watch: watchOf(stream, metrics, logger) }) as unknown as Consumer<never>;
  };
  const region = config.AWS_REGION;
  consume(
    TRANSACTION_HISTORY_STREAM,
    new TableStream(dynamodb, streamsClient({ region, ...endpoints.dynamodb }), db.table('TransactionHistory')),
    foldingHandler(merchantCounters(new MerchantStore(db))),
  );
  if (endpoints.kinesis) {
    const { stream, ...kinesis } = endpoints.kinesis;
    consume(
      TRANSACTIONS_STREAM,
      new KinesisStream(kinesisClient({ region, ...kinesis }), stream),
      transactionStream(decisionBatches, config.LONGWATCH_STREAM_BATCH),
    );
  }
  return consumers;
}

/** What the Web UI says of a stream's workflow. */
export const streamSummaries: Readonly<Record<string, string>> = {
  [TRANSACTION_HISTORY_STREAM]: 'Merchants’ counters from the history of transactions',
  [TRANSACTIONS_STREAM]: 'Decides the transactions of the Kinesis stream',
};

function watchOf(stream: string, metrics: Metrics, logger: Logger): ConsumerWatch {
  return {
    batch: (batch) => metrics.streamBatch(stream, batch),
    lag: (shardId, ms) => metrics.streamLag(stream, shardId, ms),
    left: (shardId) => metrics.streamLeft(stream, shardId),
    trimmed(error) {
      metrics.streamTrimmed(stream);
      logger.error({ err: error, stream }, 'the stream was trimmed before it was read: records are lost to what it feeds');
    },
  };
}
