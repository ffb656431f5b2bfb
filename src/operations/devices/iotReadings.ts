import type { Ingest } from './ingest';
import { arrivalsOf, faultsOf } from './messages';

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

/** Stores readings one message at a time; twice is once. */
export function iotReadings(ingest: Pick<Ingest, 'store'>): IotReadings {
  return async ({ device, payload, arrivedAt }) => {
    const arrivals = arrivalsOf(payload, { topicDevice: device, arrivedAt });
    return typeof arrivals === 'string' ? arrivals : faultsOf(await ingest.store(arrivals));
  };
}
