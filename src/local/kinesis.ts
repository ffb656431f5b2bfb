import { join } from 'node:path';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  KinesisClient,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-kinesis';
import { awsHttp } from '../gateways/aws/http';
import type { Child } from './child';
import { StartError } from './errors';
import { startNodeServer } from './nodeServer';
import { systemClock } from '../timing/clock';

/** How to start the embedded Kinesis. */
export interface KinesisStart {
  /** Folder of the streams and the log. */
  dataDir: string;
  /** Keeps the streams in memory only. */
  inMemory?: boolean;
  /** Streams to create if they do not exist. */
  streams: readonly { name: string; shards: number }[];
  /** Called with the process as soon as it is started. */
  onChild?: (child: Child) => void;
}

const USUAL_PORT = 4567;
const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };
const ACTIVE_WITHIN_MS = 60_000;

/**
 * Starts an embedded Kinesis and creates its streams.
 * @throws StartError if it does not start or a stream does not become active within 60 s
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
  for (const until = systemClock.now() + ACTIVE_WITHIN_MS; systemClock.now() < until; await systemClock.sleep(100)) {
    try {
      const { StreamDescriptionSummary } = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
      // A stream whose server was killed during a reshard keeps that status but still works.
      if (StreamDescriptionSummary?.StreamStatus !== 'CREATING') return;
    } catch (error) {
      // On a busy machine a call may time out. Retry, and report the error only if the stream never becomes active.
      if (!(error instanceof ResourceNotFoundException)) fault = error;
      else
        await client.send(new CreateStreamCommand({ StreamName, ShardCount })).catch((failure: unknown) => {
          if (!(failure instanceof ResourceInUseException)) fault = failure;
        });
    }
  }
  throw new Error(`stream ${StreamName} does not become active within ${ACTIVE_WITHIN_MS / 1000} s`, { cause: fault });
}
