import { type AddressInfo, createServer, type Socket } from 'node:net';
import { MqttListener } from '../../../src/gateways/devices/mqttListener';
import { eventually, stillAfter } from '../../support/eventually';

it(
  'is one client however often it is started, as after every new connection to Temporal: two of one id would drive ' +
    'each other out',
  async () => {
    const sockets = new Set<Socket>();
    const broker = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve));
    const listener = new MqttListener(
      { url: `mqtt://127.0.0.1:${(broker.address() as AddressInfo).port}`, clientId: 'one' },
      { topics: 'devices/+/readings', take: async () => [], setAside: async () => [], onFault: () => undefined },
    );
    listener.start();
    listener.start();
    await eventually(
      async () => sockets.size,
      (count) => count > 0,
    );
    expect(await stillAfter(300, () => sockets.size)).toBe(1);
    await listener.stop();
    sockets.forEach((socket) => socket.destroy());
    broker.close();
  },
);
