import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { type Message, MqttListener, type MqttSettings } from '../../../src/gateways/devices/mqttListener';
import { type Certificate, makeCertificates } from '../../support/certificates';
import { eventually } from '../../support/stack';

// A broker as one meets it outside: TLS, certificates of both sides, user and password, sessions that it keeps.
const PASSWORD = 'p4ss-of-the-broker';
let authority: Certificate;
let client: Certificate;
let broker: Aedes;
let server: Server;
const connected = new Set<string>();
let port: number;

beforeAll(async () => {
  const made = await makeCertificates();
  ({ authority, client } = made);
  broker = await Aedes.createBroker();
  broker.on('clientReady', ({ id }) => connected.add(id));
  broker.authenticate = (_, user, password, callback) =>
    callback(null, user === 'longwatch' && password?.toString() === PASSWORD);
  server = createServer(
    { ...made.server, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
    (socket) => {
      // A client without a certificate is cut off; that is the test's matter, not the server's.
      socket.on('error', () => undefined);
      broker.handle(socket);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  await new Promise<void>((resolve) => broker.close(resolve));
  server.close();
});

const url = (password = PASSWORD) => `mqtts://longwatch:${password}@127.0.0.1:${port}`;
const pem = (text: string) => Buffer.from(text);
const settings = (): MqttSettings => ({
  url: url(),
  clientId: 'ours',
  ca: pem(authority.cert),
  cert: pem(client.cert),
  key: pem(client.key),
});

function listen(over: Partial<MqttSettings> & { without?: 'ca' | 'cert' } = {}) {
  const { without, ...rest } = over;
  const all = { ...settings(), ...rest };
  if (without === 'ca') delete all.ca;
  if (without === 'cert') {
    delete all.cert;
    delete all.key;
  }
  const taken: string[] = [];
  const faults: string[] = [];
  const listener = new MqttListener(all, {
    topics: 'devices/+/readings',
    take: async (messages: readonly Message[]) => (
      taken.push(...messages.map(({ payload }) => payload.toString())),
      []
    ),
    setAside: async () => [],
    onFault: (error) => faults.push(error instanceof Error ? error.message : String(error)),
  });
  listener.start();
  return { listener, taken, faults };
}

const publish = async (...payloads: string[]) => {
  const device = await mqtt.connectAsync(url(), { ca: authority.cert, cert: client.cert, key: client.key });
  for (const payload of payloads) await device.publishAsync('devices/d-1/readings', payload, { qos: 1 });
  await device.endAsync();
};

it('listens by TLS with a certificate, user and password; what came while it was away arrives once', async () => {
  const first = listen();
  // Once a message came through, the session holds the subscription.
  await eventually(
    () => publish('1').then(() => first.taken),
    ({ length }) => length > 0,
  );
  await first.listener.stop();
  await publish('2', '3');
  const second = listen();
  expect(
    await eventually(
      async () => second.taken,
      ({ length }) => length >= 2,
    ),
  ).toEqual(['2', '3']);
  await second.listener.stop();
  expect([first.faults, second.faults]).toEqual([[], []]);
});

it('ends without a fault while the broker has not yet acknowledged the subscription', async () => {
  let asked = 0;
  broker.authorizeSubscribe = () => void asked++; // Never answered.
  try {
    const { listener, faults } = listen({ clientId: 'stopped early' });
    await eventually(() => asked);
    await listener.stop();
    expect(faults).toEqual([]);
  } finally {
    broker.authorizeSubscribe = (_, subscription, callback) => callback(null, subscription);
  }
});

it.each([
  ['of an authority that is not given', { without: 'ca' }, /self-signed certificate|unable to (get|verify)/],
  ['that wants a certificate', { without: 'cert' }, /certificate required|alert|ECONNRESET|socket/i],
  ['that wants another password', { url: 'wrong password' }, /Not authorized|Bad user name or password/i],
] as const)('a broker %s: the fault is told, and nothing taken', async (_, over, message) => {
  const { listener, taken, faults } = listen(
    'url' in over ? { url: url('other'), clientId: 'refused' } : { ...over, clientId: 'refused' },
  );
  expect(
    await eventually(
      async () => faults[0],
      (fault) => fault !== undefined,
    ),
  ).toMatch(message);
  expect(faults.join()).not.toContain('other@');
  expect([...connected]).not.toContain('refused');
  await publish('unheard');
  expect(taken).toEqual([]);
  await listener.stop();
});
