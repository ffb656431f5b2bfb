import { iso } from '../domain/ids';
import type { Features } from '../domain/fraud/features';
import { Replay } from '../domain/fraud/replay';
import { LabError } from './errors';
import { type FileFormat, type FileTransaction, readTransactions } from './transactionFile';

/** A time range in epoch ms: from `from` (inclusive) to `to` (exclusive). */
export interface Window {
  from: number;
  to: number;
}

/** Returns whether a time (epoch ms) is in the window. */
export const isWithin = ({ from, to }: Window, timestamp: number): boolean => timestamp >= from && timestamp < to;

/**
 * Replays a file in time order, with the features computed by the same code that decides payments in production.
 * @throws LabError if a line is earlier than the one before it, because past features could then not be computed
 */
export async function* replayFile(
  path: string,
  format: FileFormat,
  labelDelayMs: number,
  onProgress?: (share: number) => void,
): AsyncGenerator<FileTransaction & { features(): Features }> {
  const replay = new Replay(labelDelayMs);
  let latest = Number.NEGATIVE_INFINITY;
  let before = '';
  for await (const one of readTransactions(path, format, onProgress)) {
    const { transaction, fraud } = one;
    const { transactionId, timestamp } = transaction;
    if (timestamp < latest)
      throw new LabError(
        `${path} is not in time order: ${transactionId} of ${iso(timestamp)} comes after ${before} of ` +
          `${iso(latest)}. Sort it by timestamp first`,
      );
    latest = timestamp;
    before = transactionId;
    yield { ...one, features: replay.take(transaction, fraud) };
  }
}
