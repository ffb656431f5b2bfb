import { Objects } from '../../src/gateways/s3/objects';
import { startTestGraph } from '../support/graph';

it('closes every part once', async () => {
  const close = jest.spyOn(Objects.prototype, 'close');
  jest.spyOn(Objects.prototype, 'ensureBucket').mockResolvedValue(); // No S3 is needed to close.
  const graph = await startTestGraph({ S3_ENDPOINT: 'http://127.0.0.1:1', LONGWATCH_ARCHIVE_BUCKET: 'archive' });
  await graph.stop();
  expect(close.mock.contexts.length).toBeGreaterThan(0);
  expect(close.mock.contexts.length).toBe(new Set(close.mock.contexts).size);
});
