import type { DeadLetter } from '../../stores/platform/deadLetters';
import type { Ingest } from './ingest';
import { arrivalsOf, faultsOf, IOT_LETTERS, isRefused, messageLetter } from './messages';

/** A message of a device as a rule of AWS IoT Core hands it over. */
export interface IotMessage {
  /** Of the topic, which the broker let this device publish on. */
  device: string;
  /** As it was published. */
  payload: Uint8Array;
  /** When the broker took it, epoch ms: a message that comes late, or again, is none the later for it. */
  arrivedAt: number;
}

/** @returns why readings of the message cannot be stored, ever; undefined when all are on record. */
export type IotReadings = (message: IotMessage) => Promise<string | undefined>;

/**
 * Stores readings one message at a time; twice is once.
 * @param keep keeps a message that the database refuses as a dead letter.
 */
export function iotReadings(ingest: Pick<Ingest, 'store'>, keep: (letters: readonly DeadLetter[]) => Promise<void>): IotReadings {
  return async ({ device, payload, arrivedAt }) => {
    const arrivals = arrivalsOf(payload, { topicDevice: device, arrivedAt });
    if (typeof arrivals === 'string') return arrivals;
    const results = await ingest.store(arrivals);
    const reason = faultsOf(results);
    if (reason !== undefined && isRefused(results)) await keep([messageLetter(IOT_LETTERS, device, payload, reason, arrivedAt)]);
    return reason;
  };
}
