import type { Logger } from 'pino';
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
export function iotReadings(
  ingest: Pick<Ingest, 'store'>,
  keep: (letters: readonly DeadLetter[]) => Promise<void>,
): IotReadings {
  return async ({ device, payload, arrivedAt }) => {
    const arrivals = arrivalsOf(payload, { topicDevice: device, arrivedAt });
    if (typeof arrivals === 'string') return arrivals;
    const results = await ingest.store(arrivals);
    const reason = faultsOf(results);
    if (reason !== undefined && isRefused(results))
      await keep([messageLetter(IOT_LETTERS, device, payload, reason, arrivedAt)]);
    return reason;
  };
}

/**
 * What the rule's SELECT makes of a message: `encode(*, 'base64') AS data, topic(2) AS device, timestamp() AS
 * arrivedAt`.
 */
export interface IotEvent {
  data: string;
  device: string;
  arrivedAt: number;
}

/**
 * Takes messages as a Lambda function gets them. A message whose readings can never be stored is logged; every other
 * failure
 * is thrown, so that Lambda calls again and keeps the event when retries do not help.
 */
export function iotMessages({
  take,
  logger,
}: {
  take: IotReadings;
  logger: Pick<Logger, 'warn'>;
}): (event: IotEvent) => Promise<void> {
  return async ({ data, device, arrivedAt }) => {
    if (typeof data !== 'string' || typeof device !== 'string' || typeof arrivedAt !== 'number')
      throw new TypeError(
        "The rule must select encode(*, 'base64') AS data, topic(2) AS device, timestamp() AS arrivedAt",
      );
    const reason = await take({ device, payload: Buffer.from(data, 'base64'), arrivedAt });
    if (reason !== undefined) logger.warn({ device, reason }, 'readings of a device were rejected');
  };
}
