import { createServer } from 'node:net';
import { Aedes, type AedesPublishPacket } from 'aedes';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { runServer, serve } from './serverProcess';

const READINGS = /^devices\/[^/]+\/readings$/;
/** Topic without subscribers. */
const DONE = '$done';
/** Milliseconds after which a device whose reading was not acknowledged is disconnected, so that it sends again. */
const HELD_MS = 60_000;

/**
 * Runs the embedded MQTT broker (aedes) as a process. The broker stores nothing, so it acknowledges a reading to the
 * device only after a subscriber has acknowledged it. If the broker is killed, the device has no acknowledgement and
 * sends the reading again.
 */
async function main(): Promise<void> {
  const { port } = await yargs(hideBin(process.argv))
    .option('port', { type: 'number', default: 1883, describe: 'Port; a free one is used if it is taken' })
    .strict()
    .parseAsync();
  // aedes's own message counter, which matches an acknowledgement to its message.
  const broker = (await Aedes.createBroker()) as Aedes & { counter: number };
  const held = new Map<number, () => void>();
  broker.authorizePublish = (client, packet, callback) => {
    if (!client || packet.qos === 0 || !READINGS.test(packet.topic)) return callback(null);
    const brokerCounter = ++broker.counter;
    const finish = (error: Error | null) => {
      clearTimeout(timer);
      held.delete(brokerCounter);
      // The copy below has already delivered the reading.
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
