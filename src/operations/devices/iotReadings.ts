import type { Logger } from 'pino';
import type { DeadLetter } from '../../stores/platform/deadLetters';
import type { Ingest } from './ingest';
import { type Clock, systemClock } from '../../timing/clock';
import { arrivalsOf, faultsOf, IOT_LETTERS, isRefused, messageLetter } from './messages';

/** A device's message as a rule of AWS IoT Core delivers it. */
export interface IotMessage {
  /** Device id from the topic. The broker has checked that the device may publish on this topic. */
  device: string;
  /** The bytes that the device published. */
  payload: Uint8Array;
  /**
   * When the broker received the message, epoch ms. Lateness counts from this time, even if the message is delivered
   * late or again.
   */
  arrivedAt: number;
}

/**
 * Stores the readings of a message.
 * @returns why some of them can never be stored; undefined if all are stored
 */
export type IotReadings = (message: IotMessage) => Promise<string | undefined>;

/**
 * Makes the function that stores the readings of one message. A repeated message has no further effect.
 * @param keep stores a message that the database refuses as a dead letter
 */
export function iotReadings(
  ingest: Pick<Ingest, 'store'>,
  keep: (letters: readonly DeadLetter[]) => Promise<void>,
  clock: Clock = systemClock,
): IotReadings {
  return async ({ device, payload, arrivedAt }) => {
    const arrivals = arrivalsOf(payload, { topicDevice: device, arrivedAt });
    if (typeof arrivals === 'string') return arrivals;
    const results = await ingest.store(arrivals);
    const reason = faultsOf(results);
    if (reason !== undefined && isRefused(results))
      await keep([messageLetter(IOT_LETTERS, device, payload, reason, arrivedAt, clock.now())]);
    return reason;
  };
}

/**
 * The event that the rule's SELECT produces: `encode(*, 'base64') AS data, topic(2) AS device, timestamp() AS
 * arrivedAt`.
 */
export interface IotEvent {
  data: string;
  device: string;
  arrivedAt: number;
}

/**
 * Makes the handler of the Lambda function for messages. Logs a message whose readings can never be stored. Throws
 * every other failure, so that Lambda retries and, after its last retry, keeps the event.
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
