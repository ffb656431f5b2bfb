import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createApp, everyRoute } from '../../src/api/app';
import { Authenticator, parseApiKeys } from '../../src/api/auth';
import { routeTable } from '../../src/api/http/routeTable';
import { type AnyRoute } from '../../src/api/http/router';
import { listen, type Listening } from '../../src/api/http/server';
import { type Role, roles } from '../../src/domain/platform/caller';
import { bearer, startTestGraph, type TestGraph } from '../support/graph';
import { type Issuer, startIssuer } from '../support/issuer';

/** The page that people read is what the tests expect: a route that it does not have, or has otherwise, fails. */
const page = readFileSync(join(__dirname, '../../docs/routes.md'), 'utf8');

type Caller = Role | 'nobody';
type Sign = '✓' | 'own' | '–';
interface Rule {
  route: string;
  method: string;
  path: string;
  may: Record<Caller, Sign>;
}
const rules: Rule[] = [...page.matchAll(/^\| `(\w+) (\S+)` \|(.*?)\| [^|]+ \|$/gm)].map(([, method, path, cells]) => {
  const signs = cells!
    .split('|')
    .map((cell) => cell.trim())
    .filter(Boolean) as Sign[];
  const callers: Caller[] = [...roles, 'nobody'];
  return {
    route: `${method} ${path}`,
    method: method!,
    path: path!,
    may: Object.fromEntries(callers.map((caller, i) => [caller, signs[i]])) as Rule['may'],
  };
});

let graph: TestGraph;
let issuer: Issuer;
let api: Listening;
let routes: AnyRoute[];
const keys = (['service', 'investigator', 'supervisor', 'admin', 'customer'] as const).map(
  (role) => `ada:${role}:key-of-role-${role}`,
);
beforeAll(async () => {
  [graph, issuer] = await Promise.all([startTestGraph(), startIssuer()]);
  const parts = {
    routes: graph.routes,
    logger: pino({ level: 'silent' }),
    registry: new Registry(),
    readiness: () => graph.readiness('elsewhere'),
    version: 'test',
  };
  routes = everyRoute({ ...parts, registry: new Registry() });
  const app = createApp({
    ...parts,
    authenticator: new Authenticator(parseApiKeys(keys.join(',')), { ...issuer, audience: 'longwatch' }),
    trustedProxies: ['127.0.0.1'],
  });
  api = await listen(app, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await api?.close(100);
  issuer?.stop();
  await graph?.stop();
});

/** A path of the route with the customer's name, or somebody else's, as the user, and things that are not there. */
const pathOf = (path: string, user = 'ada') =>
  path.replace(':userId', user).replace(':n', '1').replace(/:\w+/g, 'none');

/** Each from an address of its own, so that those with bad tokens slow nobody down. */
let addresses = 0;
function call(
  method: string,
  path: string,
  token?: string,
  body?: string,
): Promise<{ status: number; problem: { status?: number; detail?: string } }> {
  const address = `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses++ & 255}`;
  const headers = {
    'x-forwarded-for': address,
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body && { 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const sent = httpRequest(`${api.url}${path}`, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      // A stream ends when it is left.
      if (response.headers['content-type']?.startsWith('text/event-stream')) response.destroy();
      response.on('close', () =>
        resolve({
          status: response.statusCode!,
          problem: /problem/.test(response.headers['content-type'] ?? '') ? (JSON.parse(text) as object) : {},
        }),
      );
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** As many at once as the machine likes. */
async function each<T>(things: readonly T[], work: (thing: T) => Promise<void>): Promise<void> {
  const left = [...things];
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
    }),
  );
}

it('the page of routes is what the routes say: run npm run docs:routes when this fails', () => {
  expect(page).toBe(routeTable(routes));
});

it('every route has a rule on the page, and the page no other', () => {
  expect(rules.map(({ route }) => route).sort()).toEqual(
    routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort(),
  );
  for (const { route, may } of rules)
    for (const sign of Object.values(may)) expect([route, sign]).toEqual([route, expect.stringMatching(/^(✓|own|–)$/)]);
});

it('every route lets in whom the page says, by key and by JWT, and nobody else', async () => {
  const wrong: string[] = [];
  let calls = 0;
  const callers = await Promise.all(
    roles.flatMap((role) => [
      Promise.resolve([role, `key-of-role-${role}`] as const),
      issuer.token({ sub: 'ada', role }).then((token) => [role, token] as const),
    ]),
  );
  await each(
    rules.flatMap((rule) => callers.map((caller) => [rule, caller] as const)),
    async ([{ route, method, path, may }, [role, token]]) => {
      const { status, problem } = await call(
        method,
        pathOf(path),
        token,
        method === 'GET' ? undefined : '{"not":"what is wanted"}',
      );
      calls++;
      // What the cookie or the link is for is not what the role is for.
      const byRole = status === 403 || (status === 401 && !path.endsWith('/sessions/current'));
      if (byRole !== (may[role] === '–')) wrong.push(`${route} as ${role}: ${status}`);
      if (status >= 500 && status !== 503) wrong.push(`${route} as ${role}: ${status}`);
      if (status === 403 && !problem.detail?.includes(`the caller has the role ${role}`))
        wrong.push(`${route} as ${role}: ${problem.detail}`);
    },
  );
  expect(wrong).toEqual([]);
  expect(calls).toBe(rules.length * roles.length * 2);
});

it('without a token, and with bad ones, there is a 401, whatever else is wrong with the request', async () => {
  const old = await issuer.token({ sub: 'ada', role: 'admin', exp: Math.floor(Date.now() / 1000) - 60 });
  const god = await issuer.token({ sub: 'ada', role: 'god' });
  const wrong: string[] = [];
  await each(
    rules.flatMap((rule) =>
      [undefined, 'key-of-role-nobody', 'key-of-role-admi', 'key-of-role-admin%00', old, god].map(
        (token) => [rule, token] as const,
      ),
    ),
    async ([{ route, method, path, may }, token]) => {
      const { status } = await call(method, pathOf(path), token, method === 'GET' ? undefined : '{"a":');
      const refused = status === 401 && !path.endsWith('/sessions/current');
      if (refused !== (may.nobody === '–') && !(path === '/v1/sessions/current' && status === 401))
        wrong.push(`${route} with ${token ?? 'nothing'}: ${status}`);
    },
  );
  expect(wrong).toEqual([]);
});

it('customers reach nothing that is somebody else’s', async () => {
  const put = (method: string, path: string, body: object) =>
    call(method, path, 'key-of-role-service', JSON.stringify(body));
  await put('PUT', '/v1/products/book', { title: 'Letters', price: 100, currency: 'EUR', stockOnHand: 5 });
  await put('PUT', '/v1/carts/ben/items/book', { quantity: 1 });
  expect((await put('POST', '/v1/carts/ben/checkout', { checkoutId: 'checkout-of-ben' })).status).toBe(201);
  const own = rules.filter(({ may }) => may.customer === 'own');
  expect(own.length).toBeGreaterThan(5);
  const bodies: Record<string, string> = {
    'PUT /v1/carts/:userId/items/:productId': '{"quantity":1}',
    'PUT /v1/carts/:userId/preferences': '{}',
    'POST /v1/carts/:userId/checkout': '{}',
  };
  for (const { route, method, path } of own) {
    const { status, problem } = await call(
      method,
      pathOf(path.replace(':id', 'checkout-of-ben'), 'ben'),
      'key-of-role-customer',
      bodies[route],
    );
    expect([route, status, problem.detail]).toEqual([route, 403, 'ada may not read or change data of user ben']);
  }
  // Nor by a name of theirs for what another made.
  await put('PUT', '/v1/carts/ada/items/book', { quantity: 1 });
  expect(
    (await call('POST', '/v1/carts/ada/checkout', 'key-of-role-customer', '{"checkoutId":"checkout-of-ben"}')).status,
  ).toBe(409);
});

it('a known path with another method says what is allowed, and no other site may read an answer', async () => {
  for (const path of new Set(rules.map((rule) => rule.path))) {
    const response = await fetch(`${api.url}${pathOf(path)}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.test', 'access-control-request-method': 'GET' },
    });
    const allowed = rules.filter((rule) => rule.path === path).map(({ method }) => method);
    expect([path, response.status, response.headers.get('allow')]).toEqual([path, 405, allowed.join(', ')]);
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});

it('every answer, errors too, has the headers that OWASP advises, and tells nothing of what it runs on', async () => {
  for (const path of ['/healthz', '/v1/rules', '/v1/alerts/none/answer', '/nothing/here', '/v1/users/%E0%A4%A/feed']) {
    const { headers } = await fetch(`${api.url}${path}`);
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=31536000; includeSubDomains',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect([headers.get('x-powered-by'), headers.get('server')]).toEqual([null, null]);
  }
});

it('no error says back what was sent: paths may hold links, bodies anything', async () => {
  const canary = 'canary-4111111111111111';
  for (const [method, path, body] of [
    ['GET', `/v1/alerts/${canary}/answer`],
    ['GET', `/v1/alerts/${canary}/answers`],
    ['GET', `/v1/unsubscribe/${canary}%`],
    ['POST', `/${canary}`, canary],
    ['POST', '/v1/transactions', `${canary}`],
    ['POST', '/v1/transactions', `{"${canary}`],
    [
      'POST',
      '/v1/transactions',
      JSON.stringify({ currency: canary, channel: canary, amount: canary, timestamp: canary, location: canary }),
    ],
    ['PUT', '/v1/rules', JSON.stringify({ rules: [{ code: canary, when: canary }] })],
  ] as const) {
    const headers = { 'content-type': 'application/json', [bearer('admin')[0]]: 'Bearer key-of-role-admin' };
    const response = await fetch(`${api.url}${path}`, { method, headers, ...(body !== undefined && { body }) });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect([path, await response.text()]).toEqual([path, expect.not.stringContaining(canary)]);
  }
});
