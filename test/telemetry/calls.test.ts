import { type Call, resultOfError, watched, watchedClient } from '../../src/telemetry/calls';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';

const fault = (name: string, fields: object = {}) => Object.assign(new Error('x'), { name, ...fields });

it.each([
  ['refused', fault('NoSuchKey', { $fault: 'client', $metadata: { httpStatusCode: 404 } })],
  ['throttled', fault('ProvisionedThroughputExceededException', { $fault: 'client' })],
  ['throttled', fault('ThrottlingException', { $fault: 'client', $metadata: { httpStatusCode: 400 } })],
  ['throttled', fault('SlowDown', { $fault: 'server', $metadata: { httpStatusCode: 503 } })],
  ['late', fault('TimeoutError')],
  ['late', fault('AbortError')],
  ['failed', fault('InternalError', { $fault: 'server', $metadata: { httpStatusCode: 500 } })],
  ['failed', fault('Error', { code: 'ECONNREFUSED' })],
])('is %s', (result, error) => {
  expect(resultOfError(error)).toBe(result);
});

it('a call is reported once, whatever its end, and its answer or error passes through', async () => {
  const calls: Call[] = [];
  const watch = (call: Call) => void calls.push(call);
  await expect(watched(watch, { gateway: 'webhook', operation: 'POST' }, async () => 7)).resolves.toBe(7);
  const error = fault('TimeoutError');
  await expect(
    watched(watch, { gateway: 'webhook', operation: 'POST' }, async () => Promise.reject(error)),
  ).rejects.toBe(error);
  expect(calls.map(({ result }) => result)).toEqual(['ok', 'late']);
  for (const { seconds } of calls) expect(seconds).toBeGreaterThanOrEqual(0);
});

it('a client of AWS is watched with its retries as one call', async () => {
  const calls: Call[] = [];
  const client = watchedClient(
    new S3Client({
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      maxAttempts: 2,
    }),
    's3',
    (call) => calls.push(call),
  );
  await expect(client.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }))).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
  client.destroy();
  expect(calls).toEqual([{ gateway: 's3', operation: 'GetObject', result: 'failed', seconds: expect.any(Number) }]);
});
