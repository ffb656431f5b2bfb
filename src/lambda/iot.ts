import type { Graph } from '../graph';

/** What the rule's SELECT makes of a message: `encode(*, 'base64') AS data, topic(2) AS device, timestamp() AS arrivedAt`. */
export interface IotEvent {
  data: string;
  device: string;
  arrivedAt: number;
}

/**
 * A message of a device. What can never be stored is logged and done with; for anything else it throws, so that Lambda
 * calls again, and keeps the event when that does not help either.
 */
export async function takeIotMessage({ iotReadings, logger }: Pick<Graph, 'iotReadings' | 'logger'>, { data, device, arrivedAt }: IotEvent): Promise<void> {
  if (typeof data !== 'string' || typeof device !== 'string' || typeof arrivedAt !== 'number')
    throw new TypeError("The rule must select encode(*, 'base64') AS data, topic(2) AS device, timestamp() AS arrivedAt");
  const reason = await iotReadings?.({ device, payload: Buffer.from(data, 'base64'), arrivedAt });
  if (reason !== undefined) logger.warn({ device, reason }, 'readings of a device were rejected');
}
