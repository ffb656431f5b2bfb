import { createServer } from 'node:net';
import { Aedes, type AedesPublishPacket } from 'aedes';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { runServer, serve } from './serverProcess';

const READINGS = /^devices\/[^/]+\/readings$/;
/** Delivered to nobody. */
const DONE = '$done';
/** A device that hears nothing for so long is cut off, and sends again. */
const HELD_MS = 60_000;

/**
 * The embedded MQTT broker as a process: aedes. It keeps nothing, so it acknowledges a reading to its device only once
 * a subscriber has acknowledged it: killed at any instant, no reading is lost that a device need not send again.
 */
async function main(): Promise<void> {
  const { port } = await yargs(hideBin(process.argv))
    .option('port', { type: 'number', default: 1883, describe: 'Another one if this is taken' })
    .strict()
    .parseAsync();
  // Its own count of messages, by which an acknowledgement is told from others.
  const broker = (await Aedes.createBroker()) as Aedes & { counter: number };
  const held = new Map<number, () => void>();
  broker.authorizePublish = (client, packet, callback) => {
    if (!client || packet.qos === 0 || !READINGS.test(packet.topic)) return callback(null);
    const brokerCounter = ++broker.counter;
    const finish = (error: Error | null) => {
      clearTimeout(timer);
      held.delete(brokerCounter);
      // It has been delivered, in the copy below.
      packet.topic = DONE;
      callback(error);
    };
    const timer = setTimeout(() => finish(new Error('nobody took the reading')), HELD_MS);
    held.set(brokerCounter, () => finish(null));
    const { topic, payload } = packet;
    const copy: AedesPublishPacket = {
      cmd: 'publish',
      topic,
      payload,
      qos: 1,
      retain: false,
      dup: false,
      brokerId: broker.id,
      brokerCounter,
    };
    broker.publish(copy, () => undefined);
  };
  broker.on('ack', (packet) => held.get((packet as AedesPublishPacket | undefined)?.brokerCounter ?? 0)?.());
  await serve(createServer(broker.handle), 'mqtt', port);
}

runServer(main);
