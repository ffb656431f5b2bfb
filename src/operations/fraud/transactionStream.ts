import { parse, sentenceOf } from '../../domain/edge/parse';
import { isLongwatchError } from '../../domain/errors';
import { checkWindow, recordSchema } from '../../domain/fraud/transactionSchema';
import type { Transaction } from '../../domain/fraud/transaction';
import type { StreamRecord } from '../../gateways/streams/source';
import type { Arrival, BatchDecisions } from './batchDecisions';
import { inBatches, type Poison, type StreamHandler } from '../platform/streams/streamHandler';

/** The same limit as `POST /v1/transactions` has. */
const MAX_BYTES = 64 * 1024;

/**
 * Makes the handler that decides the transactions of a stream, one JSON object per record. The writes are idempotent by
 * transaction id, so they need no common transaction with the checkpoint.
 * @param batchRecords rows of one scoring call
 */
export function transactionStream(decisions: BatchDecisions, batchRecords: number): StreamHandler<Uint8Array> {
  return {
    batches: (records) => inBatches(records, batchRecords),
    async handle(batch, signal) {
      const arrivals: Arrival[] = [];
      const records: StreamRecord<Uint8Array>[] = [];
      const poison: Poison<Uint8Array>[] = [];
      for (const record of batch) {
        const read = readTransaction(record);
        if (typeof read === 'string') poison.push({ record, reason: read });
        else {
          arrivals.push({ transaction: read, arrivedAt: record.arrivedAt });
          records.push(record);
        }
      }
      const results = await decisions.decide(arrivals, signal);
      const counts: Record<string, number> = {};
      const count = (name: string) => (counts[name] = (counts[name] ?? 0) + 1);
      for (const [i, result] of results.entries()) {
        if (result === 'conflict')
          poison.push({
            record: records[i] as StreamRecord<Uint8Array>,
            reason: 'this transactionId was decided before with other content',
          });
        else if (result === 'repeated') count('repeated');
        else {
          count(result.decision.outcome);
          if (result.decision.mode === 'degraded') count('degraded');
        }
      }
      return { effects: [], poison, counts };
    },
  };
}

/**
 * Reads a record.
 * @returns the transaction, or why the record contains none
 */
function readTransaction({ data, arrivedAt }: StreamRecord<Uint8Array>): Transaction | string {
  if (data.length > MAX_BYTES) return `is larger than ${MAX_BYTES} bytes: ${data.length}`;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch {
    return 'is not JSON in UTF-8';
  }
  const { value: transaction, faults } = parse(recordSchema, json);
  if (faults) return sentenceOf(faults, 'the record');
  try {
    // Compare with the arrival time, so that an outage of the consumer does not make a transaction too old.
    checkWindow(transaction.timestamp, arrivedAt);
  } catch (failure) {
    if (isLongwatchError(failure, 'invalid')) return failure.message;
    throw failure;
  }
  return transaction as Transaction;
}
