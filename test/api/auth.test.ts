import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import request from 'supertest';
import { Authenticator, parseApiKeys } from '../../src/api/auth';
import { problemOf, sendProblem } from '../../src/api/problem';

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;
let ours: Keys;
let theirs: Keys;
let jwks: Server;
let jwksUrl: string;
beforeAll(async () => {
  [ours, theirs] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  const keys = [{ ...(await exportJWK(ours.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }];
  jwks = createServer((_, response) => response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys })));
  await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
  jwksUrl = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/keys`;
});
afterAll(() => {
  jwks.closeAllConnections();
  jwks.close();
});

/** An API that tells who is calling. */
function whoAmI(now?: () => number) {
  const keys = parseApiKeys('pay:service:key-of-the-payments:with-a-colon, eva:supervisor:key-of-eva-0123456789');
  const authenticator = new Authenticator(keys, { jwksUrl, issuer: 'https://login.test', audience: 'longwatch' }, now);
  const app = express();
  app.get('/', async (incoming, response) => {
    try {
      response.json(await authenticator.authenticate(incoming));
    } catch (error) {
      sendProblem(response, problemOf(error)!, 'r');
    }
  });
  return (token?: string) => {
    const sent = request(app).get('/');
    return token === undefined ? sent : sent.set('authorization', `Bearer ${token}`);
  };
}

const minutes = (count: number) => Math.floor(Date.now() / 1000) + count * 60;
const token = (claims: Record<string, unknown>, key = ours.privateKey) =>
  new SignJWT({ iss: 'https://login.test', aud: 'longwatch', sub: 'ana', role: 'investigator', exp: minutes(5), ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(key);

it('API keys: who has one is that name with that role', async () => {
  const call = whoAmI();
  expect((await call('key-of-the-payments:with-a-colon')).body).toEqual({ name: 'pay', role: 'service', via: 'api-key' });
  expect((await call('key-of-eva-0123456789')).body).toEqual({ name: 'eva', role: 'supervisor', via: 'api-key' });
});

it('JWTs: who signed in is that subject with that role', async () => {
  expect((await whoAmI()(await token({}))).body).toEqual({ name: 'ana', role: 'investigator', via: 'jwt' });
});

const wrong: [string, () => Promise<string> | string][] = [
  ['an unknown key', () => 'key-of-nobody-0123456789'],
  ['another signer', () => token({}, theirs.privateKey)],
  ['another audience', () => token({ aud: 'another' })],
  ['another issuer', () => token({ iss: 'https://evil.test' })],
  ['a time that is over', () => token({ exp: minutes(-2) })],
  ['no end', () => token({ exp: undefined })],
  ['no subject', () => token({ sub: undefined })],
  ['a subject that is no id', () => token({ sub: 'ana <b>' })],
  ['no role', () => token({ role: undefined })],
  ['a role that is none', () => token({ role: 'god' })],
  ['no signature', () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify({ sub: 'ana', role: 'admin', aud: 'longwatch', iss: 'https://login.test', exp: minutes(5) })).toString('base64url')}.`],
  [
    'a signature by the public key taken as a password',
    async () => new SignJWT({ role: 'admin', sub: 'ana' }).setProtectedHeader({ alg: 'HS256', kid: 'one' }).setAudience('longwatch').setIssuer('https://login.test').setExpirationTime('5m').sign(new TextEncoder().encode(JSON.stringify(await exportJWK(ours.publicKey)))),
  ],
];

it.each(wrong)('%s is refused without saying why', async (_, made) => {
  const { status, body, headers } = await whoAmI()(await made());
  expect([status, body.detail]).toEqual([401, 'The token is not valid']);
  expect(headers['www-authenticate']).toBe('Bearer error="invalid_token"');
});

it('without a token, what is wanted is said', async () => {
  const { status, body, headers } = await whoAmI()();
  expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer']);
  expect(body.detail).toContain('Authorization: Bearer');
});

it('who guesses must wait a minute; who has a key does not, from the same address', async () => {
  let now = 0;
  const call = whoAmI(() => now);
  for (let i = 0; i < 20; i++) expect((await call(`guess-${i}`)).status).toBe(401);
  const slowed = await call('guess-20');
  expect([slowed.status, slowed.headers['retry-after']]).toEqual([429, '60']);
  expect((await call('key-of-eva-0123456789')).status).toBe(200);
  now = 61_000;
  expect((await call('guess-21')).status).toBe(401);
});

it.each([
  ['a:service', 'entry 1 has a key shorter than 16 characters'],
  ['a:boss:0123456789abcdef', 'entry 1 has a role that is not one of service, investigator, supervisor, admin'],
  ['ok:service:0123456789abcdef,a b:service:0123456789abcdef', 'entry 2 has no valid name'],
])('LONGWATCH_API_KEYS=%s: %s, and no key is shown', (text, why) => {
  expect(() => parseApiKeys(text)).toThrow(why);
  expect(() => parseApiKeys(text)).not.toThrow('0123456789abcdef');
});
