import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LOCAL_CREDENTIALS } from '../../../src/config/endpoints';
import { Objects } from '../../../src/gateways/s3/objects';
import { REGION } from '../../support/dynamodb';
import { startTestS3, type TestS3 } from '../../support/s3';

// An S3 that answers every call with one error, as AWS spells it; and the embedded one for what it answers by itself.
let answer = { status: 500, code: 'InternalError' };
let requests = 0;
let server: Server;
let s3: TestS3;
let failing: Objects;
const objectsAt = (endpoint: string, bucket = 'archive') =>
  new Objects({ region: REGION, bucket, endpoint, credentials: LOCAL_CREDENTIALS });
beforeAll(async () => {
  s3 = await startTestS3();
  server = createServer((request, response) => {
    request.resume().on('end', () => {
      requests++;
      response.writeHead(answer.status, { 'content-type': 'application/xml', 'x-amz-request-id': '1' });
      response.end(
        `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${answer.code}</Code><Message>of the ` +
          'test</Message></Error>',
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  failing = objectsAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterAll(async () => {
  failing?.close();
  server?.closeAllConnections();
  server?.close();
  await s3?.stop();
});

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('some');
}
const calls: [string, (objects: Objects) => Promise<unknown>][] = [
  ['put', (objects) => objects.put('key', 'body', 'text/plain')],
  ['putStream', (objects) => objects.putStream('key', pieces(), 'text/plain')],
  ['text', (objects) => objects.text('key')],
  ['bytes', (objects) => objects.bytes('key', 0, 1)],
  ['stream', (objects) => objects.stream('key')],
  ['list', (objects) => objects.list('prefix')],
  ['delete', (objects) => objects.delete('key')],
];
const failureOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.each(calls)('%s', (_, call) => {
  it.each([
    ['AccessDenied', 403, true],
    ['NoSuchBucket', 404, true],
    ['EntityTooLarge', 400, false],
    ['InvalidRequest', 400, false],
    ['InvalidArgument', 400, false],
    ['KeyTooLongError', 400, false],
    ['MethodNotAllowed', 405, false],
  ])(
    '%s is refused: final, asked once, an operator’s matter where no caller can mend it',
    async (code, status, isOurFault) => {
      [answer, requests] = [{ status, code }, 0];
      const error = await failureOf(call(failing));
      expect(error).toMatchObject({ type: 'refused', final: true, message: expect.stringContaining(code) });
      expect((error as { detail: { isOurFault?: boolean } }).detail.isOurFault ?? false).toBe(isOurFault);
      expect(requests).toBe(1);
    },
  );

  it.each([
    ['ExpiredToken', 400],
    ['InvalidAccessKeyId', 403],
    ['SignatureDoesNotMatch', 403],
    ['OperationAborted', 409],
  ])('%s passes: unavailable, to be tried again', async (code, status) => {
    answer = { status, code };
    expect(await failureOf(call(failing))).toMatchObject({ type: 'unavailable', final: false });
  });
});

it.each([
  ['SlowDown', 503],
  ['InternalError', 500],
])('%s passes: unavailable, after the client’s own retries', async (code, status) => {
  [answer, requests] = [{ status, code }, 0];
  expect(await failureOf(failing.delete('key'))).toMatchObject({ type: 'unavailable' });
  expect(requests).toBe(4);
});

it('an S3 that is away is unavailable; what makes the content fails as it does by itself', async () => {
  const nobody = objectsAt('http://127.0.0.1:1');
  expect(await failureOf(nobody.delete('key'))).toMatchObject({
    type: 'unavailable',
    message: expect.stringContaining('cannot be reached'),
  });
  nobody.close();
  const broken = new TypeError('a defect');
  async function* failingContent(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('some');
    throw broken;
  }
  expect(await failureOf(failing.putStream('key', failingContent(), 'text/plain'))).toBe(broken);
});

it('the embedded S3: a bucket that does not exist is refused, an object that does not is missing', async () => {
  const nowhere = objectsAt(s3.endpoint, 'no-such-bucket');
  for (const [, call] of calls.filter(([name]) => name === 'put' || name === 'putStream' || name === 'list'))
    expect(await failureOf(call(nowhere))).toMatchObject({
      type: 'refused',
      message: expect.stringContaining('NoSuchBucket'),
    });
  await nowhere.ensureBucket();
  expect(await failureOf(nowhere.text('key'))).toMatchObject({ name: 'MissingObjectError' });
  await nowhere.put('key', 'body', 'text/plain');
  expect(await nowhere.text('key')).toBe('body');
  nowhere.close();
});

describe('an answer that breaks off', () => {
  /** For so many requests, sends four of ten bytes and closes the connection. Later requests get all ten. */
  async function breakingOff(times: number) {
    let asked = 0;
    const broken = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 10 });
      if (++asked > times) return void response.end('0123456789');
      response.write('0123', () => response.destroy());
    });
    await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve));
    const objects = objectsAt(`http://127.0.0.1:${(broken.address() as AddressInfo).port}`);
    return {
      objects,
      asked: () => asked,
      stop() {
        objects.close();
        broken.closeAllConnections();
        broken.close();
      },
    };
  }

  it.each([
    ['bytes', (objects: Objects) => objects.bytes('key', 0, 10).then((bytes) => Buffer.from(bytes).toString())],
    ['text', (objects: Objects) => objects.text('key')],
  ])('%s asks again, three times at most', async (_, read) => {
    const twice = await breakingOff(2);
    try {
      expect(await read(twice.objects)).toBe('0123456789');
      expect(twice.asked()).toBe(3);
    } finally {
      twice.stop();
    }
    const always = await breakingOff(Number.POSITIVE_INFINITY);
    try {
      expect(await failureOf(read(always.objects))).toMatchObject({ type: 'unavailable' });
      expect(always.asked()).toBe(3);
    } finally {
      always.stop();
    }
  });
});
