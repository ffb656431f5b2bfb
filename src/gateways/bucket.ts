import { PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { LongwatchError } from '../domain/errors';

export interface BucketSettings {
  bucket: string;
  region: string;
  /** Absent: AWS itself. */
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

/** A bucket of S3: objects that are kept for good. */
export class Bucket {
  private readonly client: S3Client;

  constructor(private readonly settings: BucketSettings) {
    const { region, endpoint, credentials } = settings;
    this.client = new S3Client({ region, maxAttempts: 3, ...(endpoint !== undefined && { endpoint, forcePathStyle: true }), ...(credentials && { credentials }) });
  }

  /** Writes an object, in the place of one of the same key. @throws LongwatchError `unavailable`: also what only people can mend is tried again until they have. */
  async put(Key: string, Body: Uint8Array, ContentType: string): Promise<void> {
    try {
      await this.client.send(new PutObjectCommand({ Bucket: this.settings.bucket, Key, Body, ContentType }));
    } catch (error) {
      const why = error instanceof S3ServiceException ? `did not take ${Key}: ${error.name}` : 'cannot be reached';
      throw new LongwatchError('unavailable', `The bucket ${this.settings.bucket} ${why}`, { cause: error });
    }
  }
}
