import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { awsHttp, isWireFault } from '../aws/http';
import { LongwatchError } from '../../domain/errors';
import { type CallWatch, watchedClient } from '../../telemetry/calls';
import { againAfter, retry } from '../../timing/retry';
import { typedS3Failure } from './failures';

/** Bucket and credentials. */
export interface ObjectsSettings {
  region: string;
  bucket: string;
  /** Endpoint; absent for AWS's own. */
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  watch?: CallWatch;
}

/** Size of a part of a multipart upload, in bytes. S3's minimum is 5 MiB. */
const PIECE_BYTES = 8 * 1024 * 1024;
/** Requests for an object whose answers break off. */
const BODY_ATTEMPTS = 3;

/** The object does not exist: the reference to it is out of date. */
export class MissingObjectError extends Error {
  override readonly name = 'MissingObjectError';
}

/**
 * The objects of one bucket. Every method throws LongwatchError `unavailable` if a retry may help, and `refused` if S3
 * will never accept the request.
 */
export class Objects {
  private readonly client: S3Client;

  constructor(private readonly settings: ObjectsSettings) {
    const { region, endpoint, credentials } = settings;
    const client = new S3Client({
      region,
      ...(credentials && { credentials }),
      // S3-compatible servers usually support only path-style addresses and not all checksums.
      ...(endpoint !== undefined && {
        endpoint,
        forcePathStyle: true,
        requestChecksumCalculation: 'WHEN_REQUIRED' as const,
        responseChecksumValidation: 'WHEN_REQUIRED' as const,
      }),
      maxAttempts: 4,
      requestHandler: awsHttp({ silentMs: 60_000, connectMs: 2_000 }),
    });
    this.client = watchedClient(client, 's3', settings.watch);
  }

  /** Creates the bucket if it does not exist. */
  async ensureBucket(): Promise<void> {
    const Bucket = this.settings.bucket;
    try {
      await this.client.send(new HeadBucketCommand({ Bucket }));
    } catch (error) {
      if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== 404) throw error;
      await this.client.send(new CreateBucketCommand({ Bucket })).catch((failure: unknown) => {
        // Race: another process created the bucket after the check.
        if (!/BucketAlready/.test((failure as Error).name)) throw failure;
      });
    }
  }

  /** Writes an object and replaces an earlier one with the same key. */
  async put(Key: string, Body: string | Uint8Array, ContentType: string): Promise<void> {
    await this.typed(Key, () =>
      this.client.send(new PutObjectCommand({ Bucket: this.settings.bucket, Key, Body, ContentType })),
    );
  }

  /**
   * Uploads generated content part by part. The object becomes visible only when the upload is complete.
   * @param signal aborts the upload; the method then throws the signal's reason
   */
  async putStream(
    Key: string,
    body: AsyncIterable<Uint8Array>,
    ContentType: string,
    signal?: AbortSignal,
  ): Promise<void> {
    const upload = new Upload({
      client: this.client,
      params: { Bucket: this.settings.bucket, Key, Body: Readable.from(body, { objectMode: false }), ContentType },
      partSize: PIECE_BYTES,
      queueSize: 2,
    });
    const abort = () => void upload.abort();
    signal?.addEventListener('abort', abort);
    try {
      await this.typed(Key, () => upload.done());
    } catch (error) {
      // An abort by the worker is no failure of S3.
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Returns an object as text. @throws MissingObjectError */
  async text(key: string): Promise<string> {
    return this.whole(key, undefined, (body) => body.transformToString());
  }

  /** Returns the bytes of an object from `from` (inclusive) to `to` (exclusive). @throws MissingObjectError */
  async bytes(key: string, from: number, to: number): Promise<Uint8Array> {
    const bytes = await this.whole(key, `bytes=${from}-${to - 1}`, (body) => body.transformToByteArray());
    if (bytes.length !== to - from)
      throw new LongwatchError('unavailable', `S3 returned ${bytes.length} bytes of ${key} instead of ${to - from}`);
    return bytes;
  }

  /** Returns an object as a stream. @throws MissingObjectError */
  async stream(key: string): Promise<AsyncIterable<Uint8Array>> {
    return (await this.typed(key, () => this.get(key))) as unknown as AsyncIterable<Uint8Array>;
  }

  /** Returns the keys with a prefix, in order. */
  async list(Prefix: string): Promise<string[]> {
    const keys: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await this.typed(Prefix, () =>
        this.client.send(new ListObjectsV2Command({ Bucket: this.settings.bucket, Prefix, ContinuationToken })),
      );
      for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken);
    return keys;
  }

  /** Deletes an object. Deleting a missing object succeeds. */
  async delete(Key: string): Promise<void> {
    await this.typed(Key, () => this.client.send(new DeleteObjectCommand({ Bucket: this.settings.bucket, Key })));
  }

  /** Closes the connections. */
  close(): void {
    this.client.destroy();
  }

  /**
   * Reads a whole object or range. The SDK repeats a request that got no answer, but not one whose answer broke off;
   * this does.
   */
  private whole<T>(
    key: string,
    range: string | undefined,
    read: (body: Awaited<ReturnType<Objects['get']>>) => Promise<T>,
  ): Promise<T> {
    return this.typed(key, () =>
      retry({ attempts: BODY_ATTEMPTS, exhausted: (cause) => cause }, async () => {
        const body = await this.get(key, range);
        return read(body).catch((error: unknown) => {
          if (error instanceof Error && isWireFault(error)) return againAfter(error);
          throw error;
        });
      }),
    );
  }

  private async typed<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw typedS3Failure(error, this.settings.bucket, what);
    }
  }

  private async get(Key: string, Range?: string) {
    try {
      const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.settings.bucket, Key, Range }));
      if (!Body) throw new LongwatchError('unavailable', `S3 returned ${Key} without content`);
      return Body;
    } catch (error) {
      if (error instanceof NoSuchKey)
        throw new MissingObjectError(`Object ${Key} does not exist in the bucket ${this.settings.bucket}`, {
          cause: error,
        });
      throw error;
    }
  }
}
