import type { StreamRecord } from '../../gateways/streams/source';
import type { Arrival, Ingest } from './ingest';
import { arrivalsOf, faultsOf } from './messages';
import { inBatches, type Poison, type StreamHandler } from '../platform/streams/streamHandler';

/** Maximum number of records in one batch. */
const BATCH = 1_000;

/**
 * Makes the handler that stores the readings of a stream. Storing is idempotent, so no write needs a common transaction
 * with the checkpoint. Lateness counts from the time at which the stream received a record, so an outage of the
 * consumer makes no reading too late.
 */
export function readingStream(ingest: Pick<Ingest, 'store'>): StreamHandler<Uint8Array> {
  return {
    batches: (records) => inBatches(records, BATCH),
    async handle(batch) {
      const poison: Poison<Uint8Array>[] = [];
      const arrivals: Arrival[] = [];
      const messages: { record: StreamRecord<Uint8Array>; from: number; to: number }[] = [];
      for (const record of batch) {
        const read = arrivalsOf(record.data, { arrivedAt: record.arrivedAt });
        if (typeof read === 'string') poison.push({ record, reason: read });
        else {
          messages.push({ record, from: arrivals.length, to: arrivals.length + read.length });
          arrivals.push(...read);
        }
      }
      const results = await ingest.store(arrivals);
      for (const { record, from, to } of messages) {
        const reason = faultsOf(results.slice(from, to));
        if (reason !== undefined) poison.push({ record, reason });
      }
      return { effects: [], poison, counts: { stored: results.filter(({ status }) => status === 'stored').length } };
    },
  };
}
