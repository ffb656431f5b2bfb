import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import request from 'supertest';
import { createApp } from '../../../src/api/app';
import { Authenticator, parseApiKeys } from '../../../src/api/auth';
import { readConfig } from '../../../src/graph/config';
import { buildEncryption } from '../../../src/graph/encryption';

const UI = 'https://temporal.example.com';
const LINK = randomBytes(24).toString('base64url');
const keys = { ana: 'ana-key-0123456789', pay: 'pay-key-0123456789', ada: 'ada-key-0123456789' };
const lines: { msg: string; caller?: string; payloads?: number }[] = [];
const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });

const keyOf = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const [current, old, lost] = [keyOf('current'), keyOf('old'), keyOf('lost')];
const appWith = (payloadKeys: string, link?: string) =>
  createApp({
    routes: buildEncryption(readConfig({ LONGWATCH_PAYLOAD_KEYS: payloadKeys }), logger, { linkToken: link })!.routes,
    authenticator: new Authenticator(
      parseApiKeys(`ana:investigator:${keys.ana},pay:service:${keys.pay},ada:customer:${keys.ada}`),
    ),
    logger,
    registry: new Registry(),
    readiness: async () => ({ dynamodb: 'ok', temporal: 'ok', worker: 'ok' }),
    version: 'test',
    uiOrigins: [UI],
  });
const app = appWith(`${current},${old}`, LINK);

const payloads = [
  {
    metadata: { encoding: Buffer.from('json/plain').toString('base64') },
    data: Buffer.from('{"iban":"DE02"}').toString('base64'),
  },
  { metadata: { encoding: Buffer.from('binary/null').toString('base64') } },
];
const ask = (what: 'encode' | 'decode', body: object, { who = 'ana' as keyof typeof keys, on = app } = {}) =>
  request(on)
    .post(`/v1/codec/${what}`)
    .set('authorization', `Bearer ${keys[who]}`)
    .set('x-namespace', 'default')
    .send(body);

it('gives back what was encrypted, by Temporal’s protocol, and says who read how much', async () => {
  const { body: kept } = await ask('encode', { payloads }).expect(200);
  expect(JSON.stringify(kept)).not.toContain(payloads[0]!.data);
  expect(
    kept.payloads.map(({ metadata }: { metadata: Record<string, string> }) =>
      Buffer.from(metadata['encryption-key-id']!, 'base64').toString(),
    ),
  ).toEqual(['current', 'current']);
  lines.length = 0;
  const { body } = await ask('decode', kept).expect(200);
  // A protobuf message without data and one with none are the same.
  expect(body.payloads[0]).toEqual(payloads[0]);
  expect(body.payloads[1].metadata).toEqual(payloads[1]!.metadata);
  expect(lines).toEqual([
    expect.objectContaining({ msg: 'payloads were decrypted for a caller', caller: 'ana', payloads: 2 }),
  ]);
  expect(JSON.stringify(lines)).not.toContain('DE02');
});

it('payloads in the clear, and what is kept elsewhere, go back as they came', async () => {
  const external = {
    metadata: { encoding: Buffer.from('json/external').toString('base64') },
    externalPayloads: [{ sizeBytes: '12' }],
  };
  const { body } = await ask('decode', { payloads: [payloads[0], external] }).expect(200);
  expect(body.payloads).toEqual([payloads[0], external]);
  expect((await ask('decode', {}).expect(200)).body).toEqual({ payloads: [] });
});

it('a key that is not there is named', async () => {
  const { body: kept } = await ask('encode', { payloads }, { on: appWith(lost) }).expect(200);
  const { body } = await ask('decode', kept).expect(422);
  expect(body.detail).toBe(
    'The payload was encrypted with the key "lost", which is not configured (there are: current, old). Add it to ' +
      'LONGWATCH_PAYLOAD_KEYS, after the first',
  );
});

it('is for those who work on cases, and for nobody else', async () => {
  await ask('decode', { payloads }, { who: 'pay' }).expect(403);
  await ask('decode', { payloads }, { who: 'ada' }).expect(403);
  await request(app).post('/v1/codec/decode').send({ payloads }).expect(401);
});

it('pages of the Web UI may call, with the headers that it sends; pages of others may not', async () => {
  const preflight = (origin: string) =>
    request(app).options('/v1/codec/decode').set({
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-namespace',
    });
  const allowed = await preflight(UI).expect(204);
  expect(allowed.headers).toMatchObject({
    'access-control-allow-origin': UI,
    'access-control-allow-headers': expect.stringMatching(/x-namespace.*authorization/),
  });
  expect(allowed.headers['access-control-allow-credentials']).toBeUndefined();
  expect((await preflight('https://evil.example.com')).headers['access-control-allow-origin']).toBeUndefined();
  const answer = await ask('decode', { payloads }).set('origin', UI).expect(200);
  expect(answer.headers['access-control-allow-origin']).toBe(UI);
  expect(
    (await ask('decode', { payloads }).set('origin', 'https://evil.example.com')).headers[
      'access-control-allow-origin'
    ],
  ).toBeUndefined();
  // Nothing but the codec is for other origins.
  expect(
    (await request(app).options('/healthz').set({ origin: UI, 'access-control-request-method': 'GET' })).headers[
      'access-control-allow-origin'
    ],
  ).toBeUndefined();
});

it('the embedded Web UI’s link works without a token, and only that very link', async () => {
  const { body: kept } = await request(app).post(`/v1/codec/links/${LINK}/encode`).send({ payloads }).expect(200);
  expect((await request(app).post(`/v1/codec/links/${LINK}/decode`).send(kept).expect(200)).body.payloads[0]).toEqual(
    payloads[0],
  );
  await request(app).post(`/v1/codec/links/${LINK}x/decode`).send(kept).expect(404);
  await request(appWith(current)).post(`/v1/codec/links/${LINK}/decode`).send(kept).expect(404);
});

it('a body that is no payloads is told what is wrong with it', async () => {
  const { body } = await ask('decode', { payloads: [{ data: 'ä' }] }).expect(400);
  expect(body.errors).toEqual([{ field: 'payloads[0].data', message: 'must be base64' }]);
});

it('without keys there is no codec', () => {
  expect(buildEncryption(readConfig({}), logger)).toBeUndefined();
});
