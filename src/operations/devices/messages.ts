import { createHash } from 'node:crypto';
import { defined } from '../../domain/defined';
import { limits } from '../../domain/devices/limits';
import { deviceIdSchema } from '../../domain/devices/readingSchema';
import { parse, sentenceOf } from '../../domain/edge/parse';
import type { DeadLetter } from '../../stores/platform/deadLetters';
import type { Arrival, ReadingResult } from './ingest';

/** Maximum size of one message or record. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/**
 * Parses a message: one reading, or `{"readings": [...]}`. The topic names the device. Without a topic, `deviceId` in
 * the message names it, which a rule of AWS IoT Core can add.
 * @returns the arrivals, or why the message is invalid
 */
export function arrivalsOf(
  bytes: Uint8Array,
  { topicDevice, arrivedAt }: { topicDevice?: string; arrivedAt?: number },
): Arrival[] | string {
  if (bytes.length > MAX_MESSAGE_BYTES) return `is larger than ${MAX_MESSAGE_BYTES} bytes: ${bytes.length}`;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return 'is not JSON in UTF-8';
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return 'must be a JSON object: a reading, or {"readings": [...]}';
  const { deviceId: named, ...rest } = json as Record<string, unknown>;
  const { value: deviceId, faults } = parse(deviceIdSchema, topicDevice ?? named);
  if (faults) return sentenceOf(faults, 'deviceId');
  if (topicDevice !== undefined && named !== undefined && named !== topicDevice)
    return `deviceId must be that of the topic (${topicDevice}) or absent`;
  const inputs = 'readings' in rest ? rest['readings'] : [rest];
  if (!Array.isArray(inputs) || inputs.length === 0) return 'readings must be a list of at least one reading';
  if (inputs.length > limits.batch) return `readings must have at most ${limits.batch} readings`;
  return inputs.map((input: unknown) => ({ deviceId, input, ...defined({ arrivedAt }) }));
}

/** Returns what is wrong with the readings of a message, as a sentence; undefined if all are stored. */
export function faultsOf(results: readonly ReadingResult[]): string | undefined {
  const faults = results.flatMap((result, i) =>
    result.status === 'rejected'
      ? result.errors.map(
          ({ field, message }) => `${results.length > 1 ? `readings[${i}].` : ''}${field || 'the reading'} ${message}`,
        )
      : [],
  );
  return faults.length === 0 ? undefined : faults.slice(0, 20).join('; ');
}

/** Returns whether the database refused one of a message's readings. The message must then be kept as a dead letter. */
export const isRefused = (results: readonly ReadingResult[]): boolean =>
  results.some((result) => result.status === 'rejected' && result.isRefused === true);

/** Source of dead letters of messages from the MQTT broker. */
export const MQTT_LETTERS = 'mqtt';
/** Source of dead letters of messages from AWS IoT Core. */
export const IOT_LETTERS = 'iot';

/**
 * Makes the dead letter of a device's message. The device stands for the shard and the content's hash for the position,
 * so a message that is delivered twice makes one letter.
 */
export function messageLetter(
  source: string,
  device: string,
  payload: Uint8Array,
  reason: string,
  arrivedAt: number,
  at = arrivedAt,
): DeadLetter {
  const position = createHash('sha256').update(device).update('\0').update(payload).digest('hex');
  return {
    source,
    shardId: /^[\w.:@-]{1,64}$/.test(device) ? device : '-',
    position,
    reason,
    record: payload,
    arrivedAt,
    at,
  };
}
