import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { LOCAL_CREDENTIALS } from '../../src/config/endpoints';
import { startS3 } from '../../src/local/nodeServer';
import { REGION } from './dynamodb';

export const BUCKET = 'archive-test';

export interface TestS3 {
  endpoint: string;
  /** For the environment of a Longwatch that archives there. */
  environment: Record<string, string>;
  /** Names under a prefix. */
  list(prefix: string): Promise<string[]>;
  get(key: string): Promise<Buffer>;
  stop(): Promise<void>;
}

/** An S3 of its own that keeps nothing. */
export async function startTestS3(): Promise<TestS3> {
  const dataDir = mkdtempSync(join(tmpdir(), 'longwatch-s3-'));
  const { endpoint, child } = await startS3({ dataDir });
  const client = new S3Client({ region: REGION, endpoint, forcePathStyle: true, credentials: LOCAL_CREDENTIALS });
  return {
    endpoint,
    environment: { S3_ENDPOINT: endpoint, LONGWATCH_ARCHIVE_BUCKET: BUCKET },
    async list(Prefix) {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix }));
      return Contents.map(({ Key }) => Key!);
    },
    async get(Key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
      return Buffer.from(await Body!.transformToByteArray());
    },
    async stop() {
      client.destroy();
      await child.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
