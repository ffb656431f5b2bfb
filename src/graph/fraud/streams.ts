import type { fraudSettings } from '../../config/fraud';
import { TRANSACTION_HISTORY_STREAM, TRANSACTIONS_STREAM } from '../../domain/fraud/workflows';
import { kinesisClient, KinesisStream } from '../../gateways/streams/kinesisStream';
import type { BatchDecisions } from '../../operations/fraud/batchDecisions';
import { merchantCounters } from '../../operations/fraud/merchantCounters';
import { transactionStream } from '../../operations/fraud/transactionStream';
import { foldingHandler } from '../../operations/platform/streams/foldingHandler';
import { MerchantStore } from '../../stores/fraud/merchants';
import { type ReadStream, readStream, type Services } from '../capability';
import { tableStream } from '../consumers';

/** The stream that counts the payments and frauds of merchants. */
export const merchantStream = (services: Services): ReadStream =>
  readStream({
    name: TRANSACTION_HISTORY_STREAM,
    summary: 'Updates the merchants’ counters from the history of transactions',
    source: tableStream(services, 'TransactionHistory'),
    handler: foldingHandler(merchantCounters(new MerchantStore(services.db))),
  });

/** The Kinesis stream of transactions, if one is configured. */
export function kinesisTransactions(
  { config, endpoints, watchCall }: Services<typeof fraudSettings>,
  decisionBatches: BatchDecisions,
): ReadStream[] {
  const { streams, ...kinesis } = endpoints.kinesis ?? {};
  const stream = streams?.['LONGWATCH_TRANSACTIONS_STREAM'];
  if (stream === undefined) return [];
  return [
    readStream({
      name: TRANSACTIONS_STREAM,
      summary: 'Decides the transactions of the Kinesis stream',
      source: new KinesisStream(kinesisClient({ region: config.AWS_REGION, ...kinesis, watch: watchCall }), stream),
      handler: transactionStream(decisionBatches, config.LONGWATCH_STREAM_BATCH),
    }),
  ];
}
