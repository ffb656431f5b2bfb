import { join } from 'node:path';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-kinesis';
import { awsHttp } from '../gateways/awsHttp';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child';
import { StartError } from './errors';
import { startNodeServer } from './nodeServer';

export interface KinesisStart {
  /** Where the streams and the log are kept. */
  dataDir: string;
  /** Keep nothing. */
  inMemory?: boolean;
  /** Made when they are missing. */
  streams: readonly { name: string; shards: number }[];
  /** Told of the process as soon as there is one. */
  onChild?: (child: Child) => void;
}

const USUAL_PORT = 4567;
const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };
const ACTIVE_WITHIN_MS = 60_000;

/**
 * Starts an embedded Kinesis with its streams.
 * @throws StartError when it does not come up.
 */
export async function startKinesis({
  dataDir,
  inMemory = false,
  streams,
  onChild,
}: KinesisStart): Promise<{ endpoint: string; child: Child }> {
  const { port, child } = await startNodeServer({
    name: 'Kinesis',
    script: 'kinesisServer',
    usualPort: USUAL_PORT,
    needs: { package: 'kinesalite', or: 'KINESIS_ENDPOINT' },
    args: inMemory ? [] : [`--path=${join(dataDir, 'kinesis')}`],
    dataDir,
    log: 'kinesis',
    ...(onChild && { onChild }),
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new KinesisClient({
    region: 'us-east-1',
    endpoint,
    credentials: CREDENTIALS,
    requestHandler: awsHttp({ silentMs: 5_000 }),
  });
  try {
    await Promise.all(streams.map(({ name, shards }) => ensureStream(client, name, shards)));
    return { endpoint, child };
  } catch (error) {
    const lines = child.lastLines();
    await child.stop();
    throw new StartError(
      `The embedded Kinesis did not start (${error instanceof Error ? error.message : String(error)}). Its last ` +
        `lines:\n${lines}`,
    );
  } finally {
    client.destroy();
  }
}

async function ensureStream(client: KinesisClient, StreamName: string, ShardCount: number): Promise<void> {
  let fault: unknown;
  for (const until = Date.now() + ACTIVE_WITHIN_MS; Date.now() < until; await sleep(100)) {
    try {
      const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
      // A stream that was being resharded when its server was killed stays so, and serves all the same.
      if (StreamDescriptionSummary?.StreamStatus !== 'CREATING') return;
    } catch (error) {
      // A busy machine misses a deadline here: that is tried again, and told if it never passes.
      if (!(error instanceof ResourceNotFoundException)) fault = error;
      else
        await client.send(new CreateStreamCommand({ StreamName, ShardCount })).catch((failure: unknown) => {
          if (!(failure instanceof ResourceInUseException)) fault = failure;
        });
    }
  }
  throw new Error(`stream ${StreamName} does not become active within ${ACTIVE_WITHIN_MS / 1000} s`, { cause: fault });
}
