import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { SMTPServer } from 'smtp-server';
import type { Notification } from '../../src/domain/platform/notification';
import { AnswerLinks } from '../../src/gateways/fraud/answerLinks';
import { SmtpChannel } from '../../src/gateways/notifications/smtp';
import { SnsChannel } from '../../src/gateways/notifications/sns';
import { WebhookChannel } from '../../src/gateways/notifications/webhook';
import { UnsubscribeLinks } from '../../src/gateways/carts/unsubscribeLinks';
import { type Channel, ChannelError } from '../../src/gateways/notifications/channel';
import { Notifications } from '../../src/operations/platform/notifications';
import { NotificationStore } from '../../src/stores/platform/notifications';
import type { Call } from '../../src/telemetry/calls';
import { startTestDynamoDB, type TestDynamoDB } from '../support/dynamodb';

const notification = (over: Partial<Notification> = {}): Notification => ({
  id: 'tx-1.ask',
  recipient: 'ada@example.org',
  subject: 'Was this you?',
  text: 'A payment of 19.99 EUR was made.',
  at: Date.UTC(2026, 2, 1),
  ...over,
});

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

/** A server that keeps what it gets and answers the statuses given, the last one again and again. */
class Receiver {
  readonly received: Received[] = [];
  statuses = [200];
  answer = '';
  private readonly server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      this.received.push({ headers: request.headers, body });
      response
        .writeHead(this.statuses.length > 1 ? this.statuses.shift()! : this.statuses[0]!, {
          'content-type': 'text/xml',
        })
        .end(this.answer);
    });
  });

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

/** As metrics hear of it: `<gateway> <operation> <result>`. */
const measured: string[] = [];
const watch = ({ gateway, operation, result }: Call) => void measured.push(`${gateway} ${operation} ${result}`);

let receiver: Receiver;
beforeEach(async () => {
  measured.length = 0;
  receiver = await new Receiver().listen();
});
afterEach(() => receiver.close());

describe('a webhook', () => {
  const secret = 'a-secret-shared-with-the-receiver';
  const webhook = () => new WebhookChannel({ url: `${receiver.url}/hook`, secret, pauseMs: 1, watch });

  it('is signed so that a receiver can tell it from a forgery, and carries the link and its id', async () => {
    await webhook().send(notification({ link: 'http://longwatch.test/answer' }));
    const [{ headers, body }] = receiver.received as [Received];
    const [, at, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['longwatch-signature'])) ?? [];
    expect(signature).toBe(createHmac('sha256', secret).update(`${at}.${body}`).digest('hex'));
    expect(Math.abs(Number(at) * 1000 - Date.now())).toBeLessThan(60_000);
    expect(headers['longwatch-notification-id']).toBe('tx-1.ask');
    expect(JSON.parse(body)).toMatchObject({ recipient: 'ada@example.org', link: 'http://longwatch.test/answer' });
  });

  it.each([
    [[500, 429, 200], 3, undefined],
    [[503], 3, false],
    [[404], 1, true],
    [[308], 3, false],
  ] as const)('answered %j is tried %d times', async (statuses, tries, final) => {
    receiver.statuses = [...statuses];
    const sent = webhook().send(notification());
    if (final === undefined) await sent;
    else await expect(sent).rejects.toMatchObject({ name: 'ChannelError', final });
    if (statuses[0] !== 308) expect(receiver.received).toHaveLength(tries);
    const last = final === undefined ? 'ok' : final ? 'refused' : 'failed';
    expect(measured).toEqual([
      ...Array.from({ length: tries - 1 }, () => 'webhook POST failed'),
      `webhook POST ${last}`,
    ]);
  });

  it('to nobody can be tried again', async () => {
    await expect(
      new WebhookChannel({ url: 'http://127.0.0.1:1/', secret, attempts: 1 }).send(notification()),
    ).rejects.toMatchObject({ final: false });
  });
});

describe('a mail', () => {
  const mails: { to: string[]; text: string }[] = [];
  let refuse: { responseCode: number } | undefined;
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, session, callback) {
      let text = '';
      stream.on('data', (part: Buffer) => (text += part.toString()));
      stream.on('end', () => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text });
        callback(refuse ? Object.assign(new Error('refused'), refuse) : null);
      });
    },
  });
  let url: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise<void>((resolve) => server.close(resolve)));
  beforeEach(() => {
    mails.length = 0;
    refuse = undefined;
  });
  const smtp = () => new SmtpChannel({ url, from: 'longwatch@example.org', watch });

  it('reaches the recipient with the link, under an id that copies repeat', async () => {
    await smtp().send(notification({ link: 'http://longwatch.test/answer' }));
    expect(mails[0]?.to).toEqual(['ada@example.org']);
    expect(mails[0]?.text).toContain('Subject: Was this you?');
    expect(mails[0]?.text).toContain('http://longwatch.test/answer');
    expect(mails[0]?.text).toContain('Message-ID: <tx-1.ask@longwatch>');
  });

  it('to somebody without an address is given up, a refusal for now is not', async () => {
    await expect(smtp().send(notification({ recipient: 'team/investigators' }))).rejects.toMatchObject({ final: true });
    expect(mails).toEqual([]);
    refuse = { responseCode: 451 };
    await expect(smtp().send(notification())).rejects.toMatchObject({ final: false });
    refuse = { responseCode: 550 };
    await expect(smtp().send(notification())).rejects.toMatchObject({ final: true });
    expect(measured).toEqual(['smtp SEND failed', 'smtp SEND refused']);
  });
});

describe('SNS', () => {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const sns = (topicArn: string) =>
    new SnsChannel({ topicArn, region: 'us-east-1', endpoint: receiver.url, credentials, watch });
  const fields = () => new URLSearchParams(receiver.received.at(-1)?.body);

  it('gets the message with what subscriptions filter by; a FIFO topic can drop copies', async () => {
    receiver.answer = '<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>';
    await sns('arn:aws:sns:us-east-1:123456789012:alerts').send(notification());
    expect(fields().get('Action')).toBe('Publish');
    expect(JSON.parse(fields().get('Message') ?? '')).toMatchObject({ id: 'tx-1.ask' });
    expect([...fields()].map(([, value]) => value)).toContain('ada@example.org');
    expect(fields().has('MessageDeduplicationId')).toBe(false);
    await sns('arn:aws:sns:us-east-1:123456789012:alerts.fifo').send(notification());
    expect(fields().get('MessageDeduplicationId')).toBe('tx-1.ask');
  });

  it('refusing for good is told apart from throttling', async () => {
    const fault = (code: string) =>
      `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`;
    receiver.statuses = [400];
    receiver.answer = fault('InvalidParameter');
    await expect(sns('arn:aws:sns:us-east-1:1:x').send(notification())).rejects.toMatchObject({ final: true });
    receiver.answer = fault('Throttled');
    await expect(sns('arn:aws:sns:us-east-1:1:x').send(notification())).rejects.toMatchObject({ final: false });
    expect(measured).toEqual(['sns Publish refused', 'sns Publish throttled']);
  });
});

describe('sending', () => {
  let dynamodb: TestDynamoDB;
  beforeAll(async () => {
    dynamodb = await startTestDynamoDB();
  });
  afterAll(() => dynamodb.stop());

  /** Fails as told, then works. */
  const channel = (name: Channel['name'], ...faults: { final: boolean }[]) => ({
    name,
    sent: 0,
    async send(): Promise<void> {
      const fault = faults.shift();
      if (fault) throw new ChannelError('no', fault.final);
      this.sent++;
    },
  });
  const recordOf = async (id: string) =>
    (await new NotificationStore(dynamodb.db).list('ada@example.org')).items.find((item) => item.id === id);

  it('again after one channel failed sends only over that one', async () => {
    const [works, fails] = [channel('webhook'), channel('smtp', { final: false })];
    const notifications = new Notifications(new NotificationStore(dynamodb.db), [works, fails]);
    await expect(notifications.send(notification({ id: 'n-1' }))).rejects.toMatchObject({ type: 'unavailable' });
    await notifications.send(notification({ id: 'n-1' }));
    await notifications.send(notification({ id: 'n-1' }));
    expect([works.sent, fails.sent]).toEqual([1, 1]);
    expect(await recordOf('n-1')).toMatchObject({ status: 'delivered', results: { webhook: 'sent', smtp: 'sent' } });
  });

  it('that no channel can do is refused, and on record', async () => {
    const notifications = new Notifications(new NotificationStore(dynamodb.db), [channel('webhook', { final: true })]);
    await expect(notifications.send(notification({ id: 'n-2' }))).rejects.toMatchObject({ type: 'refused' });
    await expect(notifications.send(notification({ id: 'n-2' }))).rejects.toMatchObject({ type: 'refused' });
    expect(await recordOf('n-2')).toMatchObject({ status: 'failed', results: { webhook: 'no' } });
  });

  it('without a channel leaves the record, and never the link', async () => {
    await new Notifications(new NotificationStore(dynamodb.db), []).send(
      notification({ id: 'n-3', link: 'http://secret' }),
    );
    expect(await recordOf('n-3')).toMatchObject({ status: 'delivered' });
    expect(JSON.stringify(await recordOf('n-3'))).not.toContain('secret');
  });
});

describe("a customer's link", () => {
  const links = new AnswerLinks('the-secret-of-the-links-0123456789', () => 'http://longwatch.test');
  const until = Date.UTC(2026, 2, 2);
  const tokenOf = (link: string) => link.split('/').at(-2)!;

  it('opens for its transaction until its time is over, and is the same however often it is made', () => {
    const link = links.link('tx-1', until);
    expect(links.link('tx-1', until)).toBe(link);
    expect(links.open(tokenOf(link), until)).toEqual({ transactionId: 'tx-1', until });
    expect(() => links.open(tokenOf(link), until + 1)).toThrow('The time to answer is over');
  });

  it('that was changed, or signed with another secret, is not ours', () => {
    const token = tokenOf(links.link('tx-1', until));
    const other = tokenOf(new AnswerLinks('another-secret-0123456789-0123456789', () => '').link('tx-1', until));
    const longer = `${Buffer.from(`${until + 1}.tx-1`).toString('base64url')}.${token.split('.')[1]}`;
    for (const bad of [other, longer, token.slice(0, -1), token.split('.')[0]!, '', '.', 'a.b'])
      expect(() => links.open(bad, until)).toThrow('not valid');
  });

  it('is not ours with one character more, fewer or other, nor for another purpose', () => {
    const token = tokenOf(links.link('tx-1', until));
    expect(() => new UnsubscribeLinks('the-secret-of-the-links-0123456789', () => '').open(token, until)).toThrow(
      'not valid',
    );
    fc.assert(
      fc.property(
        fc.nat(token.length),
        fc.constantFrom('put in', 'taken out', 'replaced'),
        fc.constantFrom(...'Aa0-_.=%'),
        (at, how, character) => {
          const changed =
            token.slice(0, at) + (how === 'taken out' ? '' : character) + token.slice(how === 'put in' ? at : at + 1);
          fc.pre(changed !== token);
          expect(() => links.open(changed, until)).toThrow('not valid');
        },
      ),
      { numRuns: 500 },
    );
  });
});
