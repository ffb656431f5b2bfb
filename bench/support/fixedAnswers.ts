import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers every call to DynamoDB and SageMaker at once with a fixed answer, in its own process. */
const item = {
  UserID: { S: 'user-1' },
  State: { S: 'x'.repeat(600) },
  Version: { N: '12' },
  HoldUntil: { N: '1764379000000' },
};
const answers: Record<string, string> = {
  GetItem: JSON.stringify({ Item: item }),
  TransactWriteItems: '{}',
  InvokeEndpoint: JSON.stringify({ predictions: [{ score: 0.0123, contributions: Array(36).fill(0.01234) }] }),
};

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    const operation = String(request.headers['x-amz-target'] ?? 'DynamoDB.InvokeEndpoint').split('.')[1] ?? '';
    const body = answers[operation] ?? '{}';
    response.writeHead(200, {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': Buffer.byteLength(body),
      'x-amzn-requestid': 'CT0J5H3VRPMRMVTT2F0DKBCRRJVV4KQNSO5AEMVJF66Q9ASUAAJG',
    });
    response.end(body);
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit(0));
