import { Consumer } from '../operations/platform/streams/consumer';
import type { ConsumerWatch } from '../operations/platform/streams/consumerWatch';
import type { RecordSource } from '../gateways/streams/source';
import { type ItemChange, streamsClient, TableStream } from '../gateways/streams/tableStream';
import { CheckpointStore } from '../stores/platform/checkpoints';
import type { DeadLetterStore } from '../stores/platform/deadLetters';
import type { ReadStream, Services } from './capability';

/** Returns the stream of a table. The table's declaration must have a stream. */
export function tableStream(
  {
    config,
    endpoints,
    db,
    dynamodb,
    watchCall,
  }: Pick<Services, 'config' | 'endpoints' | 'db' | 'dynamodb' | 'watchCall'>,
  table: string,
): RecordSource<ItemChange> {
  return new TableStream(
    dynamodb,
    streamsClient({ region: config.AWS_REGION, ...endpoints.dynamodb, watch: watchCall }),
    db.table(table),
  );
}

/** Builds a consumer for each stream, by the stream's name. */
export function buildConsumers(
  { db, metrics, logger, note }: Services,
  deadLetters: DeadLetterStore,
  streams: readonly ReadStream[],
): Record<string, Consumer<never>> {
  const checkpoints = new CheckpointStore(db);
  return Object.fromEntries(
    streams.map(({ name, source, handler, onGap }) => {
      const consumer = new Consumer({
        stream: name,
        source,
        handler,
        db,
        checkpoints,
        deadLetters,
        watch: watchOf(name, { metrics, logger, note }, onGap),
      });
      return [name, consumer as unknown as Consumer<never>];
    }),
  );
}

function watchOf(
  stream: string,
  { metrics, logger, note }: Pick<Services, 'metrics' | 'logger' | 'note'>,
  onGap?: () => void,
): ConsumerWatch {
  metrics.streams.opened(stream);
  return {
    batch(batch) {
      metrics.streams.batch(stream, batch);
      if (batch.deadLetters > 0)
        note({
          area: 'platform',
          tone: 'problem',
          text: `record of ${stream} could not be processed and became a dead letter`,
          count: batch.deadLetters,
        });
    },
    refused: (error, { shardId, position }) =>
      logger.error(
        { err: error, stream, shard: shardId, position },
        'a record fails permanently and became a dead letter',
      ),
    lag: (shardId, ms) => metrics.streams.lag(stream, shardId, ms),
    left: (shardId) => metrics.streams.left(stream, shardId),
    onGap(error) {
      metrics.streams.trimmed(stream);
      note({ area: 'platform', tone: 'problem', text: `The stream ${stream} deleted records before they were read` });
      logger.error(
        { err: error, stream },
        'the stream deleted records before they were read, so data that is made from them is incomplete',
      );
      onGap?.();
    },
  };
}
