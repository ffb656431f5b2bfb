import type { Message, MqttSubscription } from '../../gateways/mqtt';
import type { Arrival, Ingest } from './ingest';
import { arrivalsOf, faultsOf } from './messages';

const TOPIC = /^devices\/([^/]+)\/readings$/;

/**
 * Takes readings that devices publish on `devices/<id>/readings`. What cannot be stored is acknowledged, too, since it
 * never could: the device is told why on `devices/<id>/rejected`.
 */
export function mqttReadings(ingest: Pick<Ingest, 'store'>, onFault: (error: unknown) => void): MqttSubscription {
  return {
    topics: 'devices/+/readings',
    onFault,
    async take(messages) {
      const arrivals: Arrival[] = [];
      const answers: Message[] = [];
      const spans: { topic: string; from: number; to: number }[] = [];
      const reject = (topic: string, reason: string) =>
        answers.push({ topic: topic.replace(/readings$/, 'rejected'), payload: Buffer.from(JSON.stringify({ detail: reason })) });
      for (const { topic, payload } of messages) {
        const read = arrivalsOf(payload, { topicDevice: TOPIC.exec(topic)?.[1] ?? '' });
        if (typeof read === 'string') reject(topic, read);
        else {
          spans.push({ topic, from: arrivals.length, to: arrivals.length + read.length });
          arrivals.push(...read);
        }
      }
      const results = await ingest.store(arrivals);
      for (const { topic, from, to } of spans) {
        const reason = faultsOf(results.slice(from, to));
        if (reason !== undefined) reject(topic, reason);
      }
      return answers;
    },
  };
}
