import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import request from 'supertest';
import { bearer, startTestGraph, type TestGraph, type Who } from '../../support/graph';
import { payment } from '../../support/payment';
import { answerLinks } from '../../support/secret';

// Temporal is away: what is asked here is answered from DynamoDB alone.
let graph: TestGraph;
beforeAll(async () => {
  graph = await startTestGraph({ LONGWATCH_CAPABILITIES: 'fraud' });
});
afterAll(() => graph.stop());

const get = (path: string, who: Who = 'ana') =>
  request(graph.app)
    .get(path)
    .set(...bearer(who));
const post = (path: string, body: object, who: Who = 'ana') =>
  request(graph.app)
    .post(path)
    .set(...bearer(who))
    .send(body);

async function decided(): Promise<string> {
  const of = payment();
  await post('/v1/transactions', of, 'service').expect(200);
  return of.transactionId;
}

describe('opening a case by hand', () => {
  it('is done once, says where it is, and is found again by a repetition', async () => {
    const transactionId = await decided();
    const first = await post('/v1/investigations', { transactionId }).expect(201);
    expect(first.headers['location']).toBe(`/v1/investigations/${transactionId}`);
    expect(first.body).toMatchObject({
      transactionId,
      status: 'scoring',
      outcome: 'review',
      merchantId: 'books-42',
      amount: 1999,
    });
    const again = await post('/v1/investigations', { transactionId }, 'ben').expect(200);
    expect(again.body).toEqual(first.body);
    const { body } = await get(`/v1/investigations/${transactionId}`).expect(200);
    // Its timeline is the workflow's to write.
    expect(body).toEqual({ ...first.body, timeline: [] });
  });

  it('of what was never decided is not found', async () => {
    const { body } = await post('/v1/investigations', { transactionId: 'tx-none' }).expect(404);
    expect(body.detail).toContain('tx-none');
  });

  it('also at once by many opens one', async () => {
    const transactionId = await decided();
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('/v1/investigations', { transactionId })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
  });
});

describe('the list', () => {
  it('skips a malformed case, and the log and the metric report it; the case itself fails', async () => {
    const { client, table } = graph.dynamodb.db;
    const key = { TransactionID: 'tx-odd', Entry: 'case' };
    const of = { CaseStatus: 'proposed', OpenedAtID: `${new Date().toISOString()}#tx-odd` };
    await client.send(new PutCommand({ TableName: table('Investigations'), Item: { ...key, ...of } }));
    const skipped = async () => {
      const { values } = await graph.metrics.registry.getSingleMetric('longwatch_skipped_total')!.get();
      return values.find(({ labels }) => labels['work'] === 'list')?.value;
    };
    expect(await skipped()).toBe(0);
    expect((await get('/v1/investigations?status=proposed').expect(200)).body).toEqual({ items: [] });
    expect(await skipped()).toBe(1);
    await get('/v1/investigations/tx-odd').expect(500);
    await client.send(new DeleteCommand({ TableName: table('Investigations'), Key: key }));
  });

  it('gives every case once, page by page, oldest first', async () => {
    const opened: string[] = [];
    for (let i = 0; i < 5; i++) {
      const transactionId = await decided();
      await post('/v1/investigations', { transactionId }).expect(201);
      opened.push(transactionId);
    }
    const found: string[] = [];
    const times: string[] = [];
    let cursor = '';
    do {
      const { body } = await get(`/v1/investigations?status=scoring&limit=2${cursor}`).expect(200);
      expect(body.items.length).toBeLessThanOrEqual(2);
      found.push(...body.items.map(({ transactionId }: { transactionId: string }) => transactionId));
      times.push(...body.items.map(({ openedAt }: { openedAt: string }) => openedAt));
      cursor = body.cursor === undefined ? '' : `&cursor=${body.cursor}`;
    } while (cursor);
    expect(new Set(found).size).toBe(found.length);
    expect(found.filter((id) => opened.includes(id))).toEqual(opened);
    expect(times).toEqual([...times].sort());
  });

  it.each([
    ['status=open', 'query.status', 'must be one of scoring, asking'],
    ['limit=0', 'query.limit', 'must be a whole number from 1 to 200'],
    ['limit=many', 'query.limit', 'must be a whole number from 1 to 200'],
    ['cursor=abc', 'cursor', 'is damaged or no longer valid; start again without cursor'],
    [
      `cursor=${Buffer.from('{"TransactionID":"a"}').toString('base64url')}`,
      'cursor',
      'is damaged or no longer valid; start again without cursor',
    ],
    [
      `cursor=${Buffer.from('[1,2,3,4]').toString('base64url')}`,
      'cursor',
      'is damaged or no longer valid; start again without cursor',
    ],
  ])('?%s is refused, naming %s', async (query, field, message) => {
    const { body } = await get(`/v1/investigations?${query}`).expect(400);
    expect(body.errors).toEqual([{ field, message: expect.stringContaining(message) }]);
  });
});

describe('working on a case', () => {
  let transactionId: string;
  beforeAll(async () => {
    transactionId = await decided();
    await post('/v1/investigations', { transactionId });
  });

  it.each([
    ['decide', { decision: 'perhaps' }, 'decision'],
    ['decide', { decision: 'fraud', by: 'somebody else' }, ''],
    ['decide', {}, 'decision'],
    ['assign', { assignee: '' }, 'assignee'],
    ['assign', { assignee: '  ' }, 'assignee'],
    ['note', { text: ' \n ' }, 'text'],
    ['decide', { decision: 'fraud', note: ' ' }, 'note'],
    ['note', { text: 'x'.repeat(5_000) }, 'text'],
  ])('%s %j is refused before the workflow hears of it', async (what, body, field) => {
    const answer = await post(`/v1/investigations/${transactionId}/${what}`, body).expect(400);
    expect(answer.body.errors[0].field).toBe(field);
  });

  it('while Temporal is away is refused with when to try again, not lost silently', async () => {
    const { body, headers } = await post(`/v1/investigations/${transactionId}/decide`, { decision: 'fraud' }).expect(
      503,
    );
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(body.type).toBe('urn:longwatch:problem:unavailable');
  });

  it('of a case that is not there is not found', async () => {
    await post('/v1/investigations/tx-none/note', { text: 'hello' }).expect(404);
    await get('/v1/investigations/tx-none').expect(404);
  });
});

it.each<[string, 'get' | 'post' | 'delete' | 'put', string, Who]>([
  ['a payment system reads no cases', 'get', '/v1/investigations', 'service'],
  ['a payment system decides no case', 'post', '/v1/investigations/tx-1/decide', 'service'],
  ['an investigator ends no hold', 'delete', '/v1/users/ada/hold', 'ana'],
  ['an investigator sends no payments', 'post', '/v1/transactions', 'ana'],
  ['a payment system changes no rules', 'put', '/v1/rules', 'service'],
])('%s', async (_, method, path, who) => {
  const { body } = await request(graph.app)
    [method](path)
    .set(...bearer(who))
    .send({})
    .expect(403);
  expect(body.detail).toMatch(
    /^This route requires one of the roles .*; the caller has the role (service|investigator)$/,
  );
});

describe('what was sent', () => {
  it('is nothing for whom nothing was sent, and a recipient must be named', async () => {
    expect((await get('/v1/notifications?recipient=nobody').expect(200)).body).toEqual({ items: [] });
    expect((await get('/v1/notifications').expect(400)).body.errors).toEqual([
      { field: 'query.recipient', message: 'is missing; it must be 1 to 100 characters' },
    ]);
  });
});

describe("the customer's page", () => {
  const UNTIL = Date.now() + 3_600_000;
  const tokenFor = (transactionId: string, until = UNTIL) => answerLinks.link(transactionId, until).split('/').at(-2)!;

  it('shows what was paid, answers nothing by being looked at, runs no script and lets nothing in', async () => {
    const of = payment({ merchantId: 'a:b@c' });
    await post('/v1/transactions', of, 'service').expect(200);
    await post('/v1/investigations', { transactionId: of.transactionId }).expect(201);
    const { text, headers } = await request(graph.app)
      .get(`/v1/alerts/${tokenFor(of.transactionId)}/answer`)
      .expect(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(text).toContain('EUR 19.99');
    expect(text).toContain('a:b@c');
    expect(text).not.toContain('<script');
    expect((await get(`/v1/investigations/${of.transactionId}`)).body.status).toBe('scoring');
  });

  it('with a token that is not ours is not found, with one whose time is over says so', async () => {
    await request(graph.app).get('/v1/alerts/abc.def/answer').expect(404);
    const { body } = await request(graph.app)
      .get(`/v1/alerts/${tokenFor('tx-1', Date.now() - 1_000)}/answer`)
      .expect(409);
    expect(body.detail).toMatch(/time .*over|expired/);
  });

  it.each([
    [
      'get',
      (): string => tokenFor('tx-1', Date.now() - 1_000),
      409,
      'The time to answer is over. Please call us instead.',
    ],
    ['post', (): string => tokenFor('tx-none'), 404, 'There is no such payment.'],
    ['post', (): string => '<b>.x', 404, 'This link is not valid'],
  ] as const)('%s: a browser gets the reason as a page, %#', async (method, token, status, reason) => {
    const path = `/v1/alerts/${encodeURIComponent(token())}/answer`;
    const agent = request(graph.app);
    const call: request.Test =
      method === 'get' ? agent.get(path) : agent.post(path).type('form').send({ answer: 'yes' });
    const { text, headers } = await call.set('accept', 'text/html,application/xhtml+xml,*/*;q=0.8').expect(status);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(text).toContain(`<p>${reason}`);
    expect(text).not.toContain('/v1/');
  });

  it('takes a form and JSON with yes or no, nothing else', async () => {
    const path = `/v1/alerts/${tokenFor('tx-none')}/answer`;
    await request(graph.app).post(path).type('form').send({ answer: 'maybe' }).expect(400);
    await request(graph.app).post(path).send({ answer: 'maybe' }).expect(400);
    await request(graph.app).post(path).type('text').send('yes').expect(415);
    await request(graph.app).post(path).type('form').send({ answer: 'yes' }).expect(404);
  });
});
