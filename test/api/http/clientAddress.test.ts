import type { IncomingMessage } from 'node:http';
import express from 'express';
import fc from 'fast-check';
import request from 'supertest';
import { callerOf } from '../../../src/api/admission/callerOf';
import { clientAddressBehind, networkOf } from '../../../src/api/http/clientAddress';

const from = (remoteAddress: string | undefined, headers: Record<string, string> = {}) =>
  ({ socket: { remoteAddress }, headers }) as unknown as IncomingMessage;

it('a client behind a trusted proxy is told apart by the address that the proxy adds', () => {
  const addressOf = clientAddressBehind(['10.0.0.0/8']);
  expect(addressOf(from('10.0.0.7', { 'x-forwarded-for': '203.0.113.9' }))).toBe('203.0.113.9');
  // What the client wrote itself stands before what the proxy added.
  expect(addressOf(from('10.0.0.7', { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' }))).toBe('203.0.113.9');
  expect(addressOf(from('203.0.113.9', { 'x-forwarded-for': '198.51.100.1' }))).toBe('203.0.113.9');
  expect(clientAddressBehind()(from('10.0.0.7', { 'x-forwarded-for': '203.0.113.9' }))).toBe('10.0.0.7');
  expect(addressOf(from(undefined, { 'x-forwarded-for': '203.0.113.9' }))).toBeUndefined();
});

it('a caller without a key and a cookie is the client’s address', () => {
  const addressOf = clientAddressBehind(['10.0.0.0/8']);
  const [one, two] = ['203.0.113.9', '203.0.113.10'].map((client) =>
    callerOf(from('10.0.0.7', { 'x-forwarded-for': client }), addressOf),
  );
  expect(one).not.toBe(two);
  expect(callerOf(from('10.0.0.7', { cookie: 'a=b' }), addressOf)).toBe('a=b');
  expect(callerOf(from('10.0.0.7', { authorization: 'Bearer k', cookie: 'a=b' }), addressOf)).toBe('Bearer k');
});

it('any header gives the address that Express finds', async () => {
  const trusted = ['127.0.0.0/8', '10.0.0.0/8'];
  const app = express();
  app.set('trust proxy', trusted);
  const addressOf = clientAddressBehind(trusted);
  app.use((incoming, response) => response.json([incoming.ip, addressOf(incoming)]));
  const address = fc.oneof(fc.ipV4(), fc.constantFrom('10.1.2.3', '127.0.0.9', 'unknown', '', '::1'));
  await fc.assert(
    fc.asyncProperty(fc.array(address, { maxLength: 4 }), async (list) => {
      const { body, status } = await request(app).get('/').set('x-forwarded-for', list.join(', '));
      if (status === 200) expect(body[1]).toBe(body[0]);
    }),
    { numRuns: 50 },
  );
});

it.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::ffff:cb00:7109', '203.0.113.9'],
  ['203.0.113.7:51234', '203.0.113.7'],
  ['[2001:db8::6]:443', '2001:db8:0:0'],
  ['unknown', 'unknown'],
  ['', ''],
])('the network of %s is %s', (address, network) => expect(networkOf(address)).toBe(network));
