import { randomBytes } from 'node:crypto';
import { connectAsync } from 'mqtt';
import { readAddresses } from '../../src/local/addresses';
import { payment, type Payment, sharpRise } from './payment';
import { type Answer, eventually, type RunningStack } from './stack';

const DAY_MS = 86_400_000;

type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;

/** Answers that are not as expected end the test with what was answered. */
function caller({ url, key }: Pick<RunningStack, 'url' | 'key'>): Call {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status >= 500) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return {
      status: response.status,
      text,
      json: text.startsWith('{') ? JSON.parse(text) : undefined,
      headers: response.headers,
    };
  };
}

/** A payment that the rules stop, for a person to look at. @returns its id. */
export async function stoppedPayment(call: (body: Payment) => Promise<Answer>): Promise<string> {
  for (let tries = 0; tries < 10; tries++) {
    const { usual, sharp } = sharpRise();
    for (const one of [...usual, ...sharp]) {
      const { json } = await call(one);
      if (json.investigationId) return one.transactionId;
    }
  }
  throw new Error('No payment was stopped');
}

export interface Used {
  /** What no span and no label may hold. */
  personal: string[];
  /** What no log line may hold, either. */
  secrets: string[];
  postId: string;
  /** That the request which posted it was sent with. */
  requestId: string;
  /** The trace that the same request was sent as a part of. */
  traceparent: string;
}

/**
 * A little of everything that the product does, by its API and its broker: each capability's requests, workflows and
 * streams.
 */
export async function useEverything(stack: RunningStack): Promise<Used> {
  const call = caller(stack);
  const run = Math.random().toString(36).slice(2, 10);
  const userId = `ada-${run}`;

  // Sessions
  const opened = await call('POST', '/v1/sessions', { userId, device: 'Firefox', place: 'Berlin' });
  const cookie = (opened.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  await call('GET', '/v1/sessions/current', undefined, { cookie });
  await call('PATCH', '/v1/sessions/current', { data: { step: 'paid' } }, { cookie });
  await call('DELETE', '/v1/sessions/current', undefined, { cookie });

  // Carts
  const productId = `book-${run}`;
  await call('PUT', `/v1/products/${productId}`, { title: 'Seneca', price: 1999, currency: 'EUR', stockOnHand: 10 });
  await call('PUT', `/v1/carts/${userId}/items/${productId}`, { quantity: 2 });
  const checkout = await call(
    'POST',
    `/v1/carts/${userId}/checkout`,
    { expectedTotal: 3998 },
    { 'idempotency-key': `checkout-${run}` },
  );
  await call('POST', `/v1/checkouts/${checkout.json.checkoutId}/confirm`, { paymentReference: 'pay-1' });

  // Leaderboards
  const gameId = `snake-${run}`;
  await call('PUT', `/v1/boards/${gameId}`, {
    operator: 'best',
    seasons: { endsAt: new Date(Date.now() + DAY_MS).toISOString() },
  });
  await call('POST', `/v1/boards/${gameId}/scores`, { submissionId: 'run-1', playerId: userId, score: 4200 });
  await call('POST', `/v1/boards/${gameId}/ranks/audit`, {});

  // Feeds
  await call('PUT', `/v1/users/${userId}`, { name: 'Ada' });
  await call('PUT', `/v1/users/ben-${run}`, { name: 'Ben' });
  await call('PUT', `/v1/users/ben-${run}/following/${userId}`);
  const postId = `p-${run}`;
  const requestId = `request-of-${run}`;
  const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
  const posted = await call(
    'POST',
    '/v1/posts',
    { authorId: userId, postId, text: 'Hello' },
    { 'x-request-id': requestId, traceparent },
  );
  if (posted.headers.get('x-request-id') !== requestId) throw new Error('The answer has another request id');
  await call('GET', `/v1/users/ben-${run}/feed`);

  // Devices
  const reading = { timestamp: new Date(Date.now() - 2 * DAY_MS).toISOString(), metrics: { temperature: 21.5 } };
  await call('POST', `/v1/devices/roof-${run}/readings`, {
    readings: [reading, { ...reading, timestamp: '2019-01-01T00:00:00Z' }],
  });
  const mqtt = await connectAsync(readAddresses(stack.dataDir)?.parts.MQTT ?? '');
  await mqtt.publishAsync(
    `devices/roof-${run}/readings`,
    JSON.stringify({ ...reading, timestamp: new Date().toISOString() }),
    { qos: 1 },
  );
  await mqtt.endAsync();
  await call('POST', `/v1/archives/${reading.timestamp.slice(0, 10)}`, {});

  // Fraud
  const pay = (body: Payment) => call('POST', '/v1/transactions', body);
  await pay(payment());
  const stopped = await stoppedPayment(pay);
  await call('GET', `/v1/investigations/${stopped}`);

  // What is no route, and what is not allowed.
  await call('GET', '/v1/nothing');
  await call('POST', '/v1/transactions', { amount: -1 });

  // The streams are read, what was owed runs, the archive is written.
  await eventually(
    () => call('GET', `/v1/boards/${gameId}/players/${userId}`),
    ({ json }) => json?.rank === 1,
  );
  await eventually(
    () => call('GET', '/v1/archives'),
    ({ text }) => text.includes(reading.timestamp.slice(0, 10)),
  );
  return {
    personal: [userId, gameId, productId, 'Seneca', 'Berlin'],
    secrets: [cookie.split('=')[1] ?? '', stack.key],
    postId,
    requestId,
    traceparent,
  };
}
