import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Request } from 'express';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import request from 'supertest';
import { Authenticator, parseApiKeys } from '../../../src/api/auth';
import { WrongTokens } from '../../../src/api/auth/wrongTokens';
import { problemBody, problemOf } from '../../../src/api/http/problem';
import { clockOf } from '../../support/clock';

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;
type Algorithm = 'RS256' | 'ES256' | 'EdDSA';
let ours: Keys;
let theirs: Keys;
let jwks: Server;
let jwksUrl: string;
/** What the issuer publishes just now. */
let published: Record<string, unknown>[] = [];
let answersWith: { status: number; body?: string } = { status: 200 };
let reads = 0;
const publicKey = async (keys: Keys, kid: string, alg: string = 'RS256') => ({
  ...(await exportJWK(keys.publicKey)),
  kid,
  alg,
  use: 'sig',
});
beforeAll(async () => {
  [ours, theirs] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  jwks = createServer((_, response) => {
    reads++;
    response
      .writeHead(answersWith.status, { 'content-type': 'application/json' })
      .end(answersWith.body ?? JSON.stringify({ keys: published }));
  });
  await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
  jwksUrl = `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/keys`;
});
beforeEach(async () => {
  published = [await publicKey(ours, 'one')];
  answersWith = { status: 200 };
  reads = 0;
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => {
  jwks.closeAllConnections();
  jwks.close();
});

/** An API that tells who is calling. */
function whoAmI(now?: () => number, url = jwksUrl) {
  const keys = parseApiKeys('pay:service:key-of-the-payments:with-a-colon, eva:supervisor:key-of-eva-0123456789');
  const authenticator = new Authenticator(
    keys,
    { jwksUrl: url, issuer: 'https://login.test', audience: 'longwatch' },
    now && clockOf(now),
  );
  const app = express();
  app.set('trust proxy', 'loopback');
  app.get('/', async (incoming, response) => {
    try {
      response.json(await authenticator.authenticate(incoming));
    } catch (error) {
      const problem = problemOf(error)!;
      response
        .status(problem.status)
        .set(problem.extra.headers ?? {})
        .type('application/problem+json');
      response.send(problemBody(problem, 'r'));
    }
  });
  return (token?: string, address = '198.51.100.1') => {
    const sent = request(app).get('/').set('x-forwarded-for', address);
    return token === undefined ? sent : sent.set('authorization', `Bearer ${token}`);
  };
}

const minutes = (count: number) => Math.floor(Date.now() / 1000) + count * 60;
const token = (
  claims: Record<string, unknown>,
  key = ours.privateKey,
  { kid = 'one', alg = 'RS256' }: { kid?: string; alg?: Algorithm } = {},
) =>
  new SignJWT({
    iss: 'https://login.test',
    aud: 'longwatch',
    sub: 'ana',
    role: 'investigator',
    exp: minutes(5),
    ...claims,
  })
    .setProtectedHeader({ alg, kid })
    .sign(key);
/** From now on the clock says so much more. */
const later = (ms: number) => {
  const at = Date.now() + ms;
  jest.spyOn(Date, 'now').mockImplementation(() => at);
};

it('API keys: who has one is that name with that role', async () => {
  const call = whoAmI();
  expect((await call('key-of-the-payments:with-a-colon')).body).toEqual({
    name: 'pay',
    role: 'service',
    via: 'api-key',
  });
  expect((await call('key-of-eva-0123456789')).body).toEqual({ name: 'eva', role: 'supervisor', via: 'api-key' });
});

it('JWTs: who signed in is that subject with that role', async () => {
  expect((await whoAmI()(await token({}))).body).toEqual({ name: 'ana', role: 'investigator', via: 'jwt' });
});

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const adminClaims = () => ({
  iss: 'https://login.test',
  aud: 'longwatch',
  sub: 'ana',
  role: 'admin',
  exp: minutes(5),
});
const wrong: [string, () => Promise<string> | string][] = [
  ['an unknown key', () => 'key-of-nobody-0123456789'],
  ['another signer', () => token({}, theirs.privateKey)],
  ['another audience', () => token({ aud: 'another' })],
  ['another issuer', () => token({ iss: 'https://evil.test' })],
  ['a time that is over', () => token({ exp: minutes(-2) })],
  ['a time that was over 31 seconds ago', () => token({ exp: Math.floor(Date.now() / 1000) - 31 })],
  ['a time that begins in a minute', () => token({ nbf: minutes(1) })],
  ['a time that is no number', () => token({ exp: 'never' as unknown as number })],
  ['no issuer', () => token({ iss: undefined })],
  ['no audience', () => token({ aud: undefined })],
  ['no end', () => token({ exp: undefined })],
  ['no subject', () => token({ sub: undefined })],
  ['a subject that is no id', () => token({ sub: 'ana <b>' })],
  ['no role', () => token({ role: undefined })],
  ['a role that is none', () => token({ role: 'god' })],
  ['roles in a list', () => token({ role: ['admin'] })],
  ['a role that is an object', () => token({ role: { toString: 'admin' } })],
  ['a role that is a number', () => token({ role: 0 })],
  ['a role of the language', () => token({ role: 'constructor' })],
  ['a subject that is a number', () => token({ sub: 7 as unknown as string })],
  [
    'the key of an algorithm that is not pinned',
    async () => {
      const keys = await generateKeyPair('RS512');
      published.push(await publicKey(keys, 'sha512', 'RS512'));
      return new SignJWT({ sub: 'ana', role: 'admin' })
        .setProtectedHeader({ alg: 'RS512', kid: 'sha512' })
        .setAudience('longwatch')
        .setIssuer('https://login.test')
        .setExpirationTime('5m')
        .sign(keys.privateKey);
    },
  ],
  ['an unknown key id', () => token({}, ours.privateKey, { kid: 'never-seen' })],
  [
    'a changed claim under the signature',
    async () => {
      const [head, , signature] = (await token({})).split('.');
      return `${head}.${encoded(adminClaims())}.${signature}`;
    },
  ],
  ['an encrypted token', () => 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA'],
  ['three parts of nothing', () => '..'],
  ['no signature', () => `${encoded({ alg: 'none' })}.${encoded(adminClaims())}.`],
  [
    'a signature by the public key taken as a password',
    async () =>
      new SignJWT({ role: 'admin', sub: 'ana' })
        .setProtectedHeader({ alg: 'HS256', kid: 'one' })
        .setAudience('longwatch')
        .setIssuer('https://login.test')
        .setExpirationTime('5m')
        .sign(new TextEncoder().encode(JSON.stringify(await exportJWK(ours.publicKey)))),
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

it.each<Algorithm>(['ES256', 'EdDSA'])('%s signs too', async (alg) => {
  const keys = await generateKeyPair(alg);
  published = [await publicKey(keys, 'other', alg)];
  expect((await whoAmI()(await token({}, keys.privateKey, { kid: 'other', alg }))).status).toBe(200);
});

it('clocks may differ by 30 seconds, either way', async () => {
  const call = whoAmI();
  expect((await call(await token({ exp: Math.floor(Date.now() / 1000) - 15 }))).status).toBe(200);
  expect((await call(await token({ nbf: Math.floor(Date.now() / 1000) + 15 }))).status).toBe(200);
});

it('a new key of the issuer is taken up within half a minute; the old one counts until it is withdrawn', async () => {
  const call = whoAmI();
  const old = await token({ exp: minutes(60) });
  expect((await call(old)).status).toBe(200);
  published.push(await publicKey(theirs, 'two'));
  later(31_000);
  expect((await call(await token({}, theirs.privateKey, { kid: 'two' }))).status).toBe(200);
  expect((await call(old)).status).toBe(200);
  published = [await publicKey(theirs, 'two')];
  later(11 * 60_000);
  expect((await call(old)).status).toBe(401);
  expect((await call(await token({}, theirs.privateKey, { kid: 'two' }))).status).toBe(200);
});

it('unknown key ids do not make us ask the issuer each time', async () => {
  const call = whoAmI();
  for (let i = 0; i < 10; i++)
    expect((await call(await token({}, theirs.privateKey, { kid: `made-up-${i}` }))).status).toBe(401);
  expect(reads).toBe(1);
});

describe('while the keys cannot be read', () => {
  const unavailable = async (call: ReturnType<typeof whoAmI>) => {
    const { status, headers, body } = await call(await token({}));
    expect([status, headers['retry-after'], body.type]).toEqual([503, '5', 'urn:longwatch:problem:unavailable']);
  };

  it.each([
    ['nobody listens', () => whoAmI(undefined, 'http://127.0.0.1:1/keys')],
    ['the issuer answers 500', () => ((answersWith = { status: 500 }), whoAmI())],
    ['the issuer sends elsewhere', () => ((answersWith = { status: 302 }), whoAmI())],
    ['what it sends is no JSON', () => ((answersWith = { status: 200, body: '<html>' }), whoAmI())],
    ['what it sends are no keys', () => ((answersWith = { status: 200, body: '{"keys":"none"}' }), whoAmI())],
  ])('%s: 503 with Retry-After, for no fault of the caller’s; API keys go on', async (_, made) => {
    const call = made();
    for (let i = 0; i < 25; i++) await unavailable(call); // And it is not counted as guessing.
    expect((await call('key-of-eva-0123456789')).status).toBe(200);
  });

  it('keys that were read are used for ten minutes; after that, a key that may be withdrawn is refused', async () => {
    const call = whoAmI();
    expect((await call(await token({}))).status).toBe(200);
    answersWith = { status: 500 };
    later(9 * 60_000);
    expect((await call(await token({}))).status).toBe(200);
    later(2 * 60_000);
    await unavailable(call);
    answersWith = { status: 200 };
    later(3_000);
    expect((await call(await token({}))).status).toBe(200);
  });

  it('the issuer is asked every two seconds at most', async () => {
    const call = whoAmI();
    answersWith = { status: 500 };
    for (let i = 0; i < 10; i++) await unavailable(call);
    expect(reads).toBe(1);
  });
});

describe('who guesses', () => {
  let now = 0;
  const guessing = async (call: ReturnType<typeof whoAmI>, address?: string) => {
    for (let i = 0; i < 20; i++) expect((await call(`guess-${i}`, address)).status).toBe(401);
  };
  beforeEach(() => (now = 1_000_000));
  const api = () => whoAmI(() => now);

  it('must wait out the minute, is told so, and is not even let in by a right guess', async () => {
    const call = api();
    await guessing(call);
    now += 20_000;
    const slowed = await call('guess-20');
    expect([slowed.status, slowed.headers['retry-after']]).toEqual([429, '40']);
    expect((await call('key-of-eva-0123456789')).status).toBe(429);
    now += 40_000;
    expect((await call('key-of-eva-0123456789')).status).toBe(200);
  });

  it('locks out nobody who came with a key from that address before, nor anybody elsewhere', async () => {
    const call = api();
    expect((await call('key-of-eva-0123456789')).status).toBe(200);
    await guessing(call);
    expect((await call('guess-20')).status).toBe(429);
    expect((await call('key-of-eva-0123456789')).status).toBe(200);
    expect((await call('key-of-the-payments:with-a-colon')).status).toBe(429);
    expect((await call('key-of-the-payments:with-a-colon', '198.51.100.2')).status).toBe(200);
  });

  it('locks out nobody with a valid JWT, which cannot be guessed', async () => {
    const call = whoAmI();
    await guessing(call);
    expect((await call('guess-20')).status).toBe(429);
    expect((await call(await token({}))).status).toBe(200);
    expect((await call(await token({ exp: minutes(-2) }))).status).toBe(429);
  });

  it('is one guesser, with all 64 bits of an IPv6 network', async () => {
    const call = api();
    for (let i = 0; i < 20; i++) await call(`guess-${i}`, `2001:db8:0:1::${i}`);
    expect((await call('guess-20', '2001:db8:0:1:ffff::1')).status).toBe(429);
    expect((await call('guess-20', '2001:db8:0:2::1')).status).toBe(401);
  });

  it('takes no more memory, however many addresses they have', () => {
    const guesses = new WrongTokens(clockOf(() => now));
    for (let i = 0; i < 50_000; i++) guesses.failed(`198.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    expect(guesses.remembered).toBe(10_000);
  });
});

it('a key may be given as its hash, so that none is in the environment; a script makes one', async () => {
  const output = execFileSync(
    process.execPath,
    ['--import', 'tsx', 'scripts/api-key.ts', '--name', 'pay', '--role', 'service'],
    { encoding: 'utf8' },
  );
  const [, key, entry] = /^key {4}(lw_\S{43})\nentry {2}(pay:service:sha256=[0-9a-f]{64})\n$/.exec(output)!;
  const authenticator = new Authenticator(parseApiKeys(entry!));
  const bearing = (sent: string) =>
    authenticator.authenticate({ ip: '198.51.100.1', headers: { authorization: `Bearer ${sent}` } } as Request);
  expect(await bearing(key!)).toEqual({ name: 'pay', role: 'service', via: 'api-key' });
  // The hash opens nothing.
  for (const hash of [entry!.split('=')[1]!, entry!.slice('pay:service:'.length)])
    await expect(bearing(hash)).rejects.toMatchObject({ status: 401 });
});

it.each([
  ['a:service', 'entry 1 has a key shorter than 16 characters'],
  ['a:boss:0123456789abcdef', 'entry 1 has a role that is not one of service, investigator, supervisor, admin'],
  ['a:service:sha256=0123456789abcdef', 'entry 1 has a hash that is not 64 hexadecimal digits'],
  ['a:service:0123456789abcdef,b:admin:0123456789abcdef', 'entry 2 has the same key as entry 1'],
  [
    `a:service:0123456789abcdef,b:admin:sha256=${createHash('sha256').update('0123456789abcdef').digest('hex')}`,
    'entry 2 has the same key as entry 1',
  ],
  ['ok:service:0123456789abcdef,a b:service:0123456789abcdef', 'entry 2 has no valid name'],
])('LONGWATCH_API_KEYS=%s: %s, and no key is shown', (text, why) => {
  expect(() => parseApiKeys(text)).toThrow(why);
  expect(() => parseApiKeys(text)).not.toThrow('0123456789abcdef');
});
