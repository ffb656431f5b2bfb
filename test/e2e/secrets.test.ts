import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { Client, Connection } from '@temporalio/client';
import mqtt from 'mqtt';
import { SMTPServer } from 'smtp-server';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { putRecords } from '../../src/gateways/streams/kinesisProducer';
import { kinesisClient } from '../../src/gateways/streams/kinesisStream';
import { type Addresses } from '../../src/local/addresses';
import { everything } from '../../src/graph/capabilities';
import { Canaries } from '../support/canaries';
import { REGION, startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb';
import { type Issuer, startIssuer } from '../support/issuer';
import { startTestMqtt, type TestMqtt } from '../support/mqtt';
import { payment } from '../support/payment';
import { eventually, removeDataDir, type RunningStack, startLongwatch } from '../support/stack';
import { startTcpProxy, type TcpProxy } from '../support/tcpProxy';

/**
 * The product as it is run, with marked secrets everywhere that one is given or made, logging all that it can, in good
 * times and bad; and then a look for them wherever they must not be.
 */
const canaries = new Canaries();
const FIRST_START_MS = 15 * 60_000;
const keys = {
  service: canaries.secret('API key of a service'),
  ana: canaries.secret('API key of ana'),
  ben: canaries.secret('API key of ben'),
  eva: canaries.secret('API key of eva'),
  hashed: canaries.secret('API key given as a hash'),
};
type Who = keyof typeof keys;

let stack: RunningStack;
let dynamodb: TestDynamoDB;
let wire: TcpProxy;
let issuer: Issuer;
let broker: TestMqtt;
let webhook: Server;
let mail: SMTPServer;
let temporal: Client;
let addresses: Addresses;
let jwt: string;
const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-secrets-'));
/** All error bodies that the API gave. */
const errors: string[] = [];
/** What the webhook got: messages, links among them. */
const messages: { recipient: string; subject: string; link?: string }[] = [];
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

interface Answer {
  status: number;
  text: string;
  cookie: string | undefined;
}

async function call(
  method: string,
  path: string,
  body?: unknown,
  {
    who = 'service',
    token,
    headers = {},
  }: { who?: Who | undefined; token?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(`${stack.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token ?? keys[who]}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.status >= 400)
    errors.push(
      `${method} ${path.split(/[/?]/)[2]} ${response.status} ${text} ` +
        `${JSON.stringify(Object.fromEntries(response.headers))}`,
    );
  return { status: response.status, text, cookie: response.headers.get('set-cookie')?.split(';')[0] };
}

async function good(...args: Parameters<typeof call>): Promise<Answer> {
  const answer = await call(...args);
  if (answer.status >= 300) throw new Error(`${args[0]} ${args[1]}: ${answer.status} ${answer.text}`);
  return answer;
}

beforeAll(async () => {
  [dynamodb, issuer, broker] = await Promise.all([startTestDynamoDB(), startIssuer(), startTestMqtt()]);
  wire = await startTcpProxy(Number(new URL(dynamodb.endpoint).port));
  jwt = canaries.note('JWT', await issuer.token({ sub: 'ana', role: 'investigator' }));
  canaries.note('signature of the JWT', jwt.split('.')[2]!);
  let hooks = 0;
  webhook = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      // Now and then it fails, so that failures are told.
      if (hooks++ % 5 === 1)
        return void response.writeHead(hooks % 2 ? 500 : 302, { location: 'http://127.0.0.1:1/' }).end(body);
      const { link, subject, recipient } = JSON.parse(body) as (typeof messages)[number];
      messages.push({ recipient, subject, ...(link !== undefined && { link }) });
      response.end();
    });
  });
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
  const password = canaries.secret('SMTP password');
  let logins = 0;
  mail = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: (auth, _session, callback) =>
      logins++ % 3 === 0 || auth.password !== password
        ? callback(new Error('Invalid login'))
        : callback(null, { user: auth.username }),
    onData: (stream, _session, callback) => {
      stream.resume();
      stream.on('end', () => callback());
    },
  });
  await new Promise<void>((resolve) => mail.listen(0, '127.0.0.1', () => resolve()));
  stack = await startLongwatch(
    {
      LONGWATCH_LOG_LEVEL: 'trace',
      RUST_LOG: '',
      DYNAMODB_ENDPOINT: `http://${wire.address}`,
      LONGWATCH_TABLE_PREFIX: 'test-',
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: canaries.secret('AWS access key id', 20),
      AWS_SECRET_ACCESS_KEY: canaries.secret('AWS secret access key', 40),
      LONGWATCH_API_KEYS: [
        `service:service:${keys.service}`,
        `ana:investigator:${keys.ana}`,
        `ben:investigator:${keys.ben}`,
        `eva:supervisor:${keys.eva}`,
        `hashed:admin:sha256=${createHash('sha256').update(keys.hashed).digest('hex')}`,
      ].join(','),
      LONGWATCH_JWKS_URL: issuer.jwksUrl,
      LONGWATCH_JWT_ISSUER: issuer.issuer,
      LONGWATCH_SIGNING_SECRET: canaries.secret('signing secret', 40),
      LONGWATCH_WEBHOOK_SECRET: canaries.secret('webhook secret', 40),
      LONGWATCH_WEBHOOK_URL: `http://127.0.0.1:${portOf(webhook)}/hook/${canaries.secret('path of the webhook')}`,
      LONGWATCH_SMTP_URL: `smtp://longwatch:${password}@127.0.0.1:${portOf(mail.server)}`,
      MQTT_URL: broker.url.replace('//', `//longwatch:${canaries.secret('MQTT password')}@`),
      LONGWATCH_SESSION_IDLE_MS: '4000',
      LONGWATCH_SESSION_EVENTS_TO: 'security@example.org',
      LONGWATCH_CART_REMINDERS: '2s',
      LONGWATCH_CART_QUIET_HOURS: 'none',
      LONGWATCH_CART_ABANDON_AFTER_MS: '6000',
      LONGWATCH_SEASON_FENCE_MS: '500',
      LONGWATCH_DEVICE_CACHE_MS: '1',
      LONGWATCH_ERASE_AFTER_MS: '2',
      LONGWATCH_FOUR_EYES_ABOVE: '9007199254740991',
    },
    dataDir,
  );
  addresses = JSON.parse(readFileSync(join(dataDir, 'addresses.json'), 'utf8')) as Addresses;
  temporal = new Client({ connection: await Connection.connect({ address: addresses.parts.Temporal }) });
}, FIRST_START_MS);

afterAll(async () => {
  await temporal?.connection.close();
  await stack?.stop();
  issuer?.stop();
  webhook?.closeAllConnections();
  webhook?.close();
  await new Promise<void>((resolve) => (mail ? mail.close(() => resolve()) : resolve()));
  await broker?.stop();
  await wire?.close();
  await dynamodb?.stop();
  removeDataDir(dataDir);
});

/** The token of a customer's link, and its signature alone. */
function noteLink(what: string, path: string): string {
  const token = canaries.note(`token of the ${what}`, path.split('/')[3]!);
  canaries.note(`signature of the ${what}`, token.split('.')[1]!);
  return token;
}

const caseOf = async (id: string) =>
  JSON.parse((await call('GET', `/v1/investigations/${id}`, undefined, { who: 'eva' })).text) as { status?: string };

async function fraud(): Promise<void> {
  await good(
    'POST',
    '/v1/transactions',
    payment({ transactionId: 'tx-asked', userId: 'ada@example.org', amount: 459_900 }),
  );
  await eventually(
    () => caseOf('tx-asked'),
    ({ status }) => status === 'waiting' || status === 'asking',
  );
  const card = canaries.card('note of a case');
  for (const [kind, body] of [
    ['note', { text: `paid with ${card}` }],
    ['decide', { decision: 'fraud', note: `card ${card.match(/.{4}/g)!.join(' ')}` }],
    ['assign', { assignee: card }],
  ] as const)
    expect((await call('POST', `/v1/investigations/tx-asked/${kind}`, body, { who: 'ana' })).status).toBe(400);
  // As somebody may in the Web UI, past the API.
  const handle = temporal.workflow.getHandle('investigation/tx-asked');
  await expect(
    handle.executeUpdate('note', { args: [{ text: `her card is ${card}`, by: 'ana' }] }),
  ).rejects.toMatchObject({ cause: { message: expect.stringContaining('looks like a card number') } });
  await good('POST', '/v1/investigations/tx-asked/note', { text: 'called the customer' }, { token: jwt });
  await good('POST', '/v1/investigations/tx-asked/decide', { decision: 'genuine' }, { who: 'ana' });
  await eventually(
    () => caseOf('tx-asked'),
    ({ status }) => status === 'closed-genuine' || status === 'proposed',
  );
  // From now on every customer is asked.
  const { ruleSet } = JSON.parse((await good('GET', '/v1/rules', undefined, { who: 'eva' })).text) as {
    ruleSet: object;
  };
  await good(
    'PUT',
    '/v1/rules',
    { ...ruleSet, bands: [{ outcome: 'alert', from: 0.000001 }] },
    { who: 'eva', headers: { 'if-match': '"1"' } },
  );
  await good('POST', '/v1/transactions', payment({ transactionId: 'tx-alert', userId: 'bea@example.org' }));
  const { link } = (await eventually(
    async () => messages.find((message) => message.link?.includes('/v1/alerts/')),
    Boolean,
  )) as { link: string };
  const path = new URL(link).pathname;
  noteLink('link to answer', path);
  await good('GET', path);
  await good('POST', path, { answer: 'yes' });
  expect((await call('POST', path, { answer: 'no' })).status).toBe(409);
}

async function sessions(): Promise<string[]> {
  const data = { card: canaries.card('session data'), password: canaries.secret('password in session data') };
  const cookies: string[] = [];
  const opened = await good('POST', '/v1/sessions', {
    userId: 'ada@example.org',
    device: canaries.card('device of a session'),
    place: canaries.card('place of a session'),
    data,
  });
  cookies.push(opened.cookie!);
  await good('GET', '/v1/sessions/current', undefined, { headers: { cookie: opened.cookie! } });
  const rotated = await good(
    'PATCH',
    '/v1/sessions/current',
    { data: { step: 2 }, privilegeChanged: true },
    { headers: { cookie: opened.cookie! } },
  );
  cookies.push(rotated.cookie!);
  for (let i = 0; i < 3; i++) cookies.push((await good('POST', '/v1/sessions', { userId: 'ben' })).cookie!);
  await good('DELETE', '/v1/sessions/current', undefined, { headers: { cookie: cookies[2]! } });
  await good('GET', '/v1/users/ben/sessions');
  await good('DELETE', '/v1/users/ben/sessions');
  expect((await call('GET', '/v1/sessions/current', undefined, { headers: { cookie: cookies[3]! } })).status).toBe(401);
  // The rest is left to the sweeper.
  return cookies.map((cookie, i) => {
    const value = decodeURIComponent(cookie.split('=')[1]!).slice(2);
    canaries.note(`cookie ${i}`, value);
    return canaries.note(`session id ${i}`, value.split('.')[0]!);
  });
}

async function carts(): Promise<void> {
  await good('PUT', '/v1/products/book', {
    title: canaries.card('title of a product'),
    price: 1_999,
    currency: 'EUR',
    stockOnHand: 50,
  });
  await good('PUT', '/v1/carts/ada@example.org/items/book', { quantity: 2 });
  await good('PUT', '/v1/carts/ben/items/book', { quantity: 1 });
  await good('POST', '/v1/carts/ben/checkout', { checkoutId: 'co-1' });
  await good('POST', '/v1/checkouts/co-1/confirm', { paymentReference: canaries.card('payment reference') });
  await good('PUT', '/v1/carts/cid/items/book', { quantity: 1 });
  await good('POST', '/v1/carts/cid/checkout', { checkoutId: 'co-2' });
  await good('POST', '/v1/checkouts/co-2/cancel');
  expect(
    (
      await call('POST', '/v1/checkouts/co-2/confirm', {
        paymentReference: canaries.card('reference of a payment that came too late'),
      })
    ).status,
  ).toBe(409);
  await eventually(
    async () => messages.find(({ subject, link }) => link?.includes('/v1/unsubscribe/') && subject),
    Boolean,
  );
}

async function leaderboards(): Promise<void> {
  await good('PUT', '/v1/boards/snake', { operator: 'best', seasons: { recurrence: '0 0 1 * *' } }, { who: 'eva' });
  await good('POST', '/v1/boards/snake/scores', {
    submissionId: 'run-1',
    playerId: 'ada',
    score: 7,
    name: canaries.card('name of a player'),
  });
  await good('PUT', '/v1/boards/snake/bans/ben', { reason: canaries.card('reason of a ban') }, { who: 'eva' });
  await good(
    'PUT',
    '/v1/boards/snake/seasons/1',
    { endsAt: new Date(Date.now() + 20_000).toISOString() },
    { who: 'eva' },
  );
}

async function feeds(): Promise<void> {
  await good('PUT', '/v1/users/ben', { name: canaries.card('name of a user') });
  await good('PUT', '/v1/users/ada', { name: 'Ada' });
  await good('PUT', '/v1/users/ada/following/ben');
  await good('POST', '/v1/posts', {
    authorId: 'ben',
    postId: 'post-1',
    text: `my card is ${canaries.card('text of a post')}`,
  });
  await good('PATCH', '/v1/posts/post-1', { text: `no, ${canaries.card('changed text of a post')}` });
  await good('GET', '/v1/users/ada/feed');
  await good('DELETE', '/v1/posts/post-1');
}

async function devices(): Promise<void> {
  const timestamp = () => new Date().toISOString();
  await good(
    'PUT',
    '/v1/devices/till/alerts',
    {
      alerts: [
        {
          id: 'hot',
          kind: 'threshold',
          metric: 't',
          direction: 'above',
          value: 50,
          clear: 40,
          recipient: 'security@example.org',
        },
      ],
    },
    { who: 'eva', headers: { 'if-match': '"0"' } },
  );
  await good('POST', '/v1/devices/till/readings', {
    readings: [
      {
        timestamp: timestamp(),
        metrics: { t: 60, note: canaries.card('metric of a reading') },
        status: canaries.card('status of a reading'),
      },
    ],
  });
  const client = await mqtt.connectAsync(broker.url);
  await client.publishAsync('devices/till/readings', JSON.stringify({ timestamp: timestamp(), metrics: { t: 20 } }), {
    qos: 1,
  });
  await client.publishAsync('devices/till/readings', `{"card":"${canaries.card('MQTT message that is none')}"`, {
    qos: 1,
  });
  await client.endAsync();
  await eventually(
    async () => (await call('GET', '/v1/devices/till/readings')).text.match(/readingId/g)?.length,
    (count) => count === 2,
  );
  await good('DELETE', '/v1/devices/till', undefined, { who: 'hashed' });
}

async function streams(): Promise<void> {
  const [endpoint, stream] = addresses.parts.Kinesis!.split(' ') as [string, string];
  const kinesis = kinesisClient({ region: REGION, endpoint, credentials: LOCAL_CREDENTIALS });
  const record = (data: string) => ({ key: 'ada', data: Buffer.from(data) });
  await putRecords(kinesis, stream, [
    record(JSON.stringify(payment({ transactionId: 'tx-stream', userId: 'ada' }))),
    record(
      JSON.stringify({ ...payment({ transactionId: 'tx-poison' }), currency: canaries.card('currency of a record') }),
    ),
    record(`{"card":"${canaries.card('record that is no JSON')}`),
  ]);
  kinesis.destroy();
  await eventually(
    async () =>
      JSON.parse((await call('GET', '/v1/dead-letters', undefined, { who: 'eva' })).text) as { items: unknown[] },
    ({ items }) => items.length === 2,
  );
  await good('POST', '/v1/dead-letters/redrive', { source: 'transactions' }, { who: 'eva' });
}

/** All that callers do wrong, with what they should have kept to themselves. */
async function faults(cookies: string): Promise<void> {
  const stray = canaries.secret('token of somebody else’s');
  const strayJwt = canaries.note(
    'JWT that is over',
    await issuer.token({ sub: 'ana', role: 'admin', exp: Math.floor(Date.now() / 1000) - 600 }),
  );
  for (const token of [stray, strayJwt, `${keys.eva}x`])
    expect((await call('GET', '/v1/rules', undefined, { token })).status).toBe(401);
  expect((await call('GET', '/v1/rules', undefined, { headers: { authorization: `Basic ${stray}` } })).status).toBe(
    401,
  );
  const token = noteLink(
    'link to unsubscribe',
    new URL(messages.find(({ link }) => link?.includes('/v1/unsubscribe/'))!.link!).pathname,
  );
  for (const [method, path, body] of [
    ['GET', `/v1/unsubscribes/${token}`],
    ['GET', `/v1/unsubscribe/${token}x`],
    ['GET', `/v1/unsubscribe/${token}%`],
    ['DELETE', `/v1/unsubscribe/${token}`],
    ['GET', `/v1/alerts/${token}/answer`],
    ['GET', `/v1/rules?version=${stray}&access_token=${stray}`],
    ['POST', '/v1/transactions', `{"card":"${canaries.card('body that is no JSON')}`],
    ['POST', '/v1/transactions', canaries.card('body that is a number')],
    [
      'POST',
      '/v1/transactions',
      {
        ...payment(),
        currency: canaries.card('currency'),
        channel: canaries.card('channel'),
        timestamp: canaries.card('timestamp'),
        location: { latitude: canaries.card('latitude'), longitude: 0, country: canaries.card('country') },
      },
    ],
    ['PUT', '/v1/rules', { rules: [{ code: canaries.card('rule'), when: canaries.card('condition') }] }],
    ['POST', '/v1/boards/snake/scores', { submissionId: 'x', playerId: 'ada', score: canaries.card('score'), name: 5 }],
    ['PUT', '/v1/carts/ada/items/book', { quantity: canaries.card('quantity') }],
    ['GET', `/v1/users/ada/feed?cursor=${canaries.card('cursor')}`],
    ['GET', `/v1/devices/till/readings?from=${canaries.card('from')}&resolution=${stray}`],
    [
      'POST',
      '/v1/sessions',
      { userId: 'ada', data: { card: `${canaries.card('session data that is too large')}${'x'.repeat(66_000)}` } },
    ],
  ] as const) {
    const { status, text } = await call(method, path, body, {
      who: 'hashed',
      headers: { cookie: cookies, 'x-api-key': stray, 'proxy-authorization': `Basic ${stray}` },
    });
    expect([method, path.replaceAll(token, '…'), status, text]).toEqual([
      method,
      path.replaceAll(token, '…'),
      expect.any(Number),
      text,
    ]);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  }
  // DynamoDB is away, with everything under way.
  wire.cut();
  const away = await Promise.all([
    call('POST', '/v1/transactions', payment()),
    call('GET', '/v1/sessions/current', undefined, { headers: { cookie: cookies } }),
    call('POST', '/v1/sessions', {
      userId: 'ada',
      data: { secret: canaries.secret('session data while DynamoDB is away') },
    }),
    call('PUT', '/v1/carts/ada/items/book', { quantity: 1 }),
    call('POST', '/v1/boards/snake/scores', {
      submissionId: 'x',
      playerId: 'ada',
      score: 1,
      name: canaries.card('name of a player while DynamoDB is away'),
    }),
    call('POST', '/v1/posts', { authorId: 'ben', text: canaries.card('text of a post while DynamoDB is away') }),
    call('POST', '/v1/devices/till/readings', {
      readings: [{ timestamp: new Date().toISOString(), status: canaries.card('status while DynamoDB is away') }],
    }),
  ]);
  wire.mend();
  expect(away.map(({ status }) => status)).toEqual(Array(away.length).fill(503));
  // So is the broker, and the sign-in service.
  await broker.stop();
  issuer.stop();
  await sleep(2_500);
}

/** Every event of every workflow, with all payloads as text. */
async function histories(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { workflowId, runId, memo, searchAttributes } of temporal.workflow.list()) {
    const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    const texts: string[] = [JSON.stringify({ workflowId, memo, searchAttributes })];
    const walk = (value: unknown): void => {
      if (typeof value === 'string') texts.push(value);
      else if (value instanceof Uint8Array) texts.push(Buffer.from(value).toString());
      else if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
    };
    walk(history);
    found.set(`${workflowId}/${runId}`, texts.join('\n'));
  }
  return found;
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) =>
    statSync(join(folder, name)).isDirectory() ? filesBelow(join(folder, name)) : [join(folder, name)],
  );

it(
  'no secret, token, card number or session id is in a log, an error, a workflow history, a metric, a command ' +
    'line, or in a table where only its hash belongs',
  async () => {
    // What did not go as it should is told at the end, beside what was found: one run says all.
    const steps: PromiseSettledResult<unknown>[] = await Promise.allSettled([
      fraud(),
      carts(),
      leaderboards(),
      feeds(),
      devices(),
      streams(),
    ]);
    const ids = await sessions();
    steps.push(
      ...(await Promise.allSettled([
        eventually(
          async () => messages.filter(({ recipient }) => recipient === 'security@example.org').length,
          (count) => count >= 2,
        ),
        eventually(
          () => call('GET', '/v1/boards/snake/seasons/1/standings', undefined, { who: 'eva' }),
          ({ status }) => status === 200,
        ),
      ])),
      ...(await Promise.allSettled([
        good('POST', '/v1/sessions', { userId: 'dan' }).then(({ cookie }) => faults(cookie!)),
      ])),
    );

    const wrong: Record<string, string[]> = {};
    for (const step of steps)
      if (step.status === 'rejected') wrong[String(step.reason).slice(0, 600)] = ['a step that failed'];
    const look = (where: string, text: string, except?: (what: string) => boolean): void => {
      const found = canaries.foundIn(text, except);
      if (found.length > 0) wrong[where] = found;
    };
    const output = stack.output();
    look('the log', output);
    const logs = filesBelow(join(dataDir, 'logs'));
    for (const file of logs) look(`logs/${file.split('/').at(-1)}`, readFileSync(file, 'latin1'));
    // Who is told that a payment must be given back is told which, by its own reference.
    const told = (what: string) => what === 'card in reference of a payment that came too late';
    errors.forEach((text, i) =>
      look(
        `error ${i}: ${text.slice(0, 60)}`,
        text,
        text.includes('urn:longwatch:problem:refundDue') ? told : undefined,
      ),
    );
    // The page of a cart names what is in it, in the words of the shop's catalogue.
    const catalogue = (what: string) => what === 'card in title of a product';
    const all = await histories();
    for (const [id, text] of all) look(`the history of ${id.split('/').slice(0, -1).join('/')}`, text, catalogue);
    // And what no history shows: heartbeats, updates that were rejected, visibility.
    for (const file of filesBelow(dataDir).filter((name) => name.includes('temporal.db')))
      look(file.split('/').at(-1)!, readFileSync(file, 'latin1'), catalogue);
    look('the metrics', await (await fetch(`${stack.url}/metrics`)).text());
    look('the command lines', execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }));
    // Data that callers keep with us lies in tables, as it should; what lets somebody in does not.
    const kept = (what: string): boolean => what.startsWith('card in') || /session data/.test(what);
    let items = 0;
    for (const table of Object.keys(everything.tables)) {
      for (let from: Record<string, unknown> | undefined; ;) {
        const { Items = [], LastEvaluatedKey } = await dynamodb.db.client.send(
          new ScanCommand({ TableName: dynamodb.db.table(table), ...(from && { ExclusiveStartKey: from }) }),
        );
        items += Items.length;
        look(`the table ${table}`, JSON.stringify(Items), kept);
        from = LastEvaluatedKey;
        if (!from) break;
      }
    }
    process.stdout.write(
      `${canaries.names.length} canaries; looked through ${output.split('\n').length} lines of log and ` +
        `${logs.length} files, ${errors.length} errors, ${all.size} histories of ` +
        `${new Set([...all.keys()].map((id) => id.split(/[/:]/)[0])).size} kinds, ${items} items in ` +
        `${Object.keys(everything.tables).length} tables\n`,
    );
    expect(wrong).toEqual({});
    // That it was looked at all: each of these is where it belongs.
    expect(output).toMatch(/request failed/);
    expect(output).toMatch(/"level":20/);
    expect(errors.length).toBeGreaterThan(25);
    expect(all.size).toBeGreaterThan(15);
    expect(ids.every((id) => id.length >= 22)).toBe(true);
    expect(canaries.foundIn(`x ${keys.ana} x`)).toEqual(['API key of ana']);
  },
);
