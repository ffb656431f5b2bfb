import { createHash } from 'node:crypto';
import { defined } from '../../domain/defined';
import { limits } from '../../domain/devices/reading';
import { deviceIdSchema } from '../../domain/devices/readingSchema';
import { parse, sentenceOf } from '../../domain/edge/parse';
import type { DeadLetter } from '../../stores/platform/deadLetters';
import type { Arrival, ReadingResult } from './ingest';

/** Of one message or record. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/**
 * The readings of a message: one reading, or `{"readings": [...]}`. The device is named by the topic or, where there is
 * none, by `deviceId` in the message itself, which is where a rule of AWS IoT Core puts it.
 * @returns the arrivals, or why there are none.
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
    return `deviceId must be the one of the topic, ${topicDevice}, or be left out`;
  const inputs = 'readings' in rest ? rest['readings'] : [rest];
  if (!Array.isArray(inputs) || inputs.length === 0) return 'readings must be a list of at least one reading';
  if (inputs.length > limits.batch) return `readings must hold at most ${limits.batch} readings`;
  return inputs.map((input: unknown) => ({ deviceId, input, ...defined({ arrivedAt }) }));
}

/** What is wrong with the readings of one message, as a sentence; undefined when all are on record. */
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

/** Whether the database refused one of a message's readings: the message is then kept as a dead letter. */
export const isRefused = (results: readonly ReadingResult[]): boolean =>
  results.some((result) => result.status === 'rejected' && result.isRefused === true);

/** Sources of dead letters beside streams: messages of devices, by the way that they came. */
export const MQTT_LETTERS = 'mqtt';
export const IOT_LETTERS = 'iot';

/**
 * A message of a device as a dead letter. The device takes the place of a shard, and the content's hash that of a
 * position, so that a message that is delivered twice is one letter.
 */
export function messageLetter(
  source: string,
  device: string,
  payload: Uint8Array,
  reason: string,
  arrivedAt: number,
): DeadLetter {
  const position = createHash('sha256').update(device).update('\0').update(payload).digest('hex');
  return {
    source,
    shardId: /^[\w.:@-]{1,64}$/.test(device) ? device : '-',
    position,
    reason,
    record: payload,
    arrivedAt,
    at: Date.now(),
  };
}
