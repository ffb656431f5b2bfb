import { isPermanent, reasonOf } from '../../domain/errors';
import type { Message, MqttSubscription } from '../../gateways/devices/mqttListener';
import type { DeadLetter } from '../../stores/platform/deadLetters';
import { type Clock, systemClock } from '../../timing/clock';
import type { Arrival, Ingest } from './ingest';
import { arrivalsOf, faultsOf, isRefused, messageLetter, MQTT_LETTERS } from './messages';

const TOPIC = /^devices\/([^/]+)\/readings$/;

/** The parts that {@link mqttReadings} needs. */
export interface MqttReadingsParts {
  ingest: Pick<Ingest, 'store'>;
  /** Stores dead letters. */
  keep(letters: readonly DeadLetter[]): Promise<void>;
  onFault(error: unknown): void;
  clock?: Clock;
}

/**
 * Handles readings that devices publish on `devices/<id>/readings`. A message that can never be stored is acknowledged
 * too, and the device gets the reason on `devices/<id>/rejected`. A valid message that the database refuses is first
 * kept as a dead letter.
 */
export function mqttReadings({ ingest, keep, onFault, clock = systemClock }: MqttReadingsParts): MqttSubscription {
  const deviceOf = (topic: string) => TOPIC.exec(topic)?.[1] ?? '';
  const rejection = (topic: string, reason: string): Message => ({
    topic: topic.replace(/readings$/, 'rejected'),
    payload: Buffer.from(JSON.stringify({ detail: reason })),
  });
  const keepLetters = async (letters: DeadLetter[]) => {
    if (letters.length === 0) return;
    try {
      await keep(letters);
    } catch (error) {
      // If the dead letter is refused too, only log it. Otherwise the messages of all other devices would wait behind
      // it.
      if (!isPermanent(error)) throw error;
      onFault(error);
    }
  };
  return {
    topics: 'devices/+/readings',
    onFault,
    async take(messages) {
      const arrivals: Arrival[] = [];
      const answers: Message[] = [];
      const letters: DeadLetter[] = [];
      const spans: { message: Message; from: number; to: number }[] = [];
      for (const message of messages) {
        const read = arrivalsOf(message.payload, { topicDevice: deviceOf(message.topic) });
        if (typeof read === 'string') answers.push(rejection(message.topic, read));
        else {
          spans.push({ message, from: arrivals.length, to: arrivals.length + read.length });
          arrivals.push(...read);
        }
      }
      const results = await ingest.store(arrivals);
      for (const { message, from, to } of spans) {
        const own = results.slice(from, to);
        const reason = faultsOf(own);
        if (reason === undefined) continue;
        answers.push(rejection(message.topic, reason));
        if (isRefused(own))
          letters.push(messageLetter(MQTT_LETTERS, deviceOf(message.topic), message.payload, reason, clock.now()));
      }
      await keepLetters(letters);
      return answers;
    },
    async setAside({ topic, payload }, error) {
      onFault(error);
      await keepLetters([messageLetter(MQTT_LETTERS, deviceOf(topic), payload, reasonOf(error), clock.now())]);
      return [rejection(topic, reasonOf(error))];
    },
  };
}
