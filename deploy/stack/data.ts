import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership, StorageClass } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { KinesisNeed, PartNeeds } from '../../src/config/endpoints';
import type { Settings } from '../settings';

/** Retention of the Kinesis streams. */
export const RETENTION = Duration.days(7);

/** Returns the short name of a stream, e.g. `transactions` for `longwatch-transactions`. */
export const shortName = ({ fallback }: KinesisNeed): string => fallback.replace(/^longwatch-/, '');

/** The Kinesis streams and the archive's bucket, if the capabilities use them. */
export class Data extends Construct {
  /** By the name of the setting that has the stream's name. */
  readonly streams: ReadonlyMap<string, Stream>;
  readonly archive: Bucket | undefined;

  constructor(
    scope: Construct,
    { parts, kinesisStreams }: PartNeeds,
    settings: Pick<Settings, 'tablePrefix' | 'transactionsStream' | 'readingsStream'>,
  ) {
    super(scope, 'Data');
    const stream = (id: string, streamName: string) =>
      new Stream(this, id, {
        streamName,
        streamMode: StreamMode.ON_DEMAND,
        encryption: StreamEncryption.MANAGED,
        retentionPeriod: RETENTION,
        removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      });
    const chosen: Readonly<Record<string, string>> = {
      transactions: settings.transactionsStream,
      readings: settings.readingsStream,
    };
    this.streams = new Map(
      kinesisStreams.map((need) => {
        const name = shortName(need);
        return [
          need.setting,
          stream(`${name[0]?.toUpperCase()}${name.slice(1)}`, chosen[name] ?? `${settings.tablePrefix}${name}`),
        ];
      }),
    );
    // If S3 is optional, `environment` can set a bucket of your own.
    if (parts.s3 === undefined || parts.s3 === 'optional') return;
    this.archive = new Bucket(this, 'Archive', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      lifecycleRules: [
        {
          id: 'older-days',
          // Requests for an old day read its objects by range, so no class that requires a restore first.
          transitions: [
            { storageClass: StorageClass.INFREQUENT_ACCESS, transitionAfter: Duration.days(30) },
            { storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL, transitionAfter: Duration.days(90) },
          ],
          abortIncompleteMultipartUploadAfter: Duration.days(1),
          // One week after an erasure, old versions of objects have no data of the device either.
          noncurrentVersionExpiration: Duration.days(7),
          expiredObjectDeleteMarker: true,
        },
      ],
    });
  }
}
